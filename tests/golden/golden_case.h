// A golden case: one call of one PyTorch function, read from a file, made with the engine, and compared.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tensor/safetensors.h"

namespace golden {

/// How the input tensors lie in memory when the call is made.
enum class Layout {
  stored,         ///< row-major, as the file has them
  channels_last,  ///< tensors of four dimensions with C innermost
  strided,        ///< every other element of a larger tensor
};
std::string name_of(Layout layout);

/// What a file holds. Tensors are indexed by the number behind their name's dot.
struct Case {
  using Numbered = std::map<size_t, gw::Tensor>;

  std::string op;
  std::string attrs;
  double rtol = 0;
  double atol = 0;
  Numbered inputs, outputs, grad_outputs, grad_inputs, after;
};

/// Reads a case. gw::Error, saying what is wrong, for a file that is broken or holds no golden case.
Case load_case(const std::string& path);

/// Makes the call and compares everything that the case gives. Returns one line for each disagreement: none if all is
/// well. gw::Error for an unknown op or attribute and for what the engine throws.
std::vector<std::string> run_case(const Case& golden, gw::Device device, Layout layout);

/// One line that says how `found` strays from `expected` (dtype, shape or values), or "" if it does not:
/// |found - expected| <= atol + rtol * |expected|, integers exactly, infinities and NaNs in the same places.
std::string difference(const gw::Tensor& found, const gw::Tensor& expected, double rtol, double atol);

}  // namespace golden
