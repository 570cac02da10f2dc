// A dense tensor seen as parallel lines along one dimension: softmax and the losses work line by line.
#pragma once

#include "tensor/host_device.h"
#include "tensor/tensor.h"

namespace gw::kernels {

/// Memory [outer, length, inner]; line number o * inner + i runs from element o * length * inner + i in steps of
/// `inner`.
struct LineShape {
  int64_t outer, length, inner;
  GW_HOST_DEVICE int64_t lines() const { return outer * inner; }
};

/// The lines of a dense tensor along `dim` (0 to dims - 1), in the order of its memory.
inline LineShape lines_of(const Tensor& x, int64_t dim) {
  const int64_t n = x.numel();
  if (n == 0) return {0, 1, 1};
  if (x.dim() == 0 || x.shape()[dim] == 1) return {1, 1, n};
  const int64_t length = x.shape()[dim], inner = x.strides()[dim];
  return {n / (length * inner), length, inner};
}

}  // namespace gw::kernels
