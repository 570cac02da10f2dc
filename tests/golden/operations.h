// The engine's functions under PyTorch's names.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "attributes.h"
#include "tensor/tensor.h"

namespace golden {

using Tensors = std::vector<gw::Tensor>;

/// The tensors of a call in positional order. Asking for one that is left out gives an undefined tensor.
class Inputs {
 public:
  explicit Inputs(Tensors tensors) : tensors_(std::move(tensors)) {}

  gw::Tensor operator[](size_t i) const { return i < tensors_.size() ? tensors_[i] : gw::Tensor{}; }
  bool has(size_t i) const { return (*this)[i].defined(); }
  const Tensors& all() const { return tensors_; }

 private:
  Tensors tensors_;
};

/// One function: tensors and keyword arguments in, results out.
using Operation = Tensors (*)(const Inputs& in, Attributes& attrs);
/// Functions by their bare names: one entry serves torch.NAME, Tensor.NAME and torch.nn.functional.NAME, which agree
/// nearly wherever PyTorch has more than one of them. One that disagrees has an entry under its full name.
using Operations = std::map<std::string, Operation>;

/// Arithmetic, comparisons, reductions, matrix products.
Operations arithmetic_operations();
/// Views, joining and rearranging, conversions, changes in place.
Operations shape_operations();
/// Layers, pools, activations, losses.
Operations functional_operations();
/// Recurrent layers and cells.
Operations recurrent_operations();

/// The operation of that name, which may stand behind "torch.", "Tensor." or "torch.nn.functional."; gw::ConfigError if
/// there is none.
Operation find_operation(const std::string& name);

/// Input 0, converted first where the call asks for a dtype.
gw::Tensor converted(const Inputs& in, Attributes& attrs);

/// A function of one tensor without further arguments.
template <gw::Tensor (gw::Tensor::*method)() const>
Tensors unary(const Inputs& in, Attributes&) {
  return {(in[0].*method)()};
}

}  // namespace golden
