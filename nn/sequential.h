// Sequential: modules one after another.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include "nn/module.h"

namespace gw {

/// Calls its layers in order; their names are "0", "1", .... Layers are given by value or as shared pointers:
///
///     Sequential model{Flatten(), Linear(784, 50), ReLU(), Linear(50, 10)};
///
/// (A Sequential made of one Sequential given by value becomes it instead of holding it.)
///
/// A batch norm followed by a GeneralRelu (or ReLU) runs as one fused operation, and a convolution followed by a batch
/// norm may find the statistics that this one needs, unless a hook watches one of them. Values are the same either way,
/// but for rounding.
class Sequential : public Module {
 public:
  Sequential() = default;
  template <class... Layers>
  requires(sizeof...(Layers) > 0) explicit Sequential(Layers&&... layers) {
    (push_back(std::forward<Layers>(layers)), ...);
  }

  /// Appends a layer; ConfigError if it is null.
  void push_back(ModulePtr layer);
  template <std::derived_from<Module> M>
  void push_back(M layer) {
    push_back(ModulePtr(std::make_shared<M>(std::move(layer))));
  }

  Tensor forward(const Tensor& x) override;

  size_t size() const { return named_children().size(); }
  /// The layer at `index`; ShapeError beyond the last.
  Module& operator[](size_t index) const;
};

}  // namespace gw
