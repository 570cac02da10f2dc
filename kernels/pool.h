// Two-dimensional pooling of x [N, C, H, W] in f32 or bf16. Channels-last and contiguous memory are read as they lie
// and the output has the input's layout. All throw ShapeError (DTypeError) for an x that is not 4-D (floating), and
// ConfigError for options that make no sense.
#pragma once

#include <optional>

#include "kernels/size2.h"
#include "tensor/tensor.h"

namespace gw {

/// Where the windows of a pool lie. Output size per axis: floor((in + 2 * padding - kernel) / stride) + 1; with
/// `ceil_mode` ceil, but the last window starts inside the input or its left padding (PyTorch's rule).
struct PoolOptions {
  Size2 kernel;
  Size2 stride = 0;   ///< 0: the kernel's size
  Size2 padding = 0;  ///< at most half the kernel
  bool ceil_mode = false;
};

struct AvgPoolOptions {
  Size2 kernel;
  Size2 stride = 0;
  Size2 padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  ///< the divisor counts padded elements (never those beyond the padding)
  std::optional<int64_t> divisor_override = {};  ///< divide by this instead

  PoolOptions windows() const { return {kernel, stride, padding, ceil_mode}; }
};

}  // namespace gw

namespace gw::kernels {

Tensor avg_pool2d(const Tensor& x, const AvgPoolOptions& o);
/// The gradient of avg_pool2d's input, whose shape is `x_shape`, plus `added` if that is defined: a gradient of the
/// same input by another way, of dy's dtype.
Tensor avg_pool2d_backward(const Tensor& dy, const Shape& x_shape, const AvgPoolOptions& o, const Tensor& added = {});

/// Values and where they came from: i32 positions h * W + w in the input plane, laid out as the values.
struct MaxPoolResult {
  Tensor y;
  Tensor indices;
};
/// Largest element of each window, padding left out; the first one of equals; NaN if there is one.
MaxPoolResult max_pool2d(const Tensor& x, const PoolOptions& o);
Tensor max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& x_shape, const PoolOptions& o);

/// Window i of an axis runs from floor(i * in / out) to ceil((i + 1) * in / out).
Tensor adaptive_avg_pool2d(const Tensor& x, Size2 output_size);
Tensor adaptive_avg_pool2d_backward(const Tensor& dy, const Shape& x_shape);
MaxPoolResult adaptive_max_pool2d(const Tensor& x, Size2 output_size);
Tensor adaptive_max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& x_shape);

}  // namespace gw::kernels
