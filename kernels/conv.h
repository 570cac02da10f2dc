// Two-dimensional convolution and its gradients, in f32 or bf16 (sums are always f32). Activations may have any
// strides; they are read in channels-last memory, into which other layouts are copied, and the results are
// channels-last. Weights are [out_channels, in_channels / groups, kernel_h, kernel_w], usually f32 whatever the
// activations are, and are read in channels-last memory too.
#pragma once

#include "kernels/batch_moments.h"
#include "kernels/size2.h"
#include "tensor/tensor.h"

namespace gw {

/// How a kernel moves over its input; PyTorch's defaults. Output size per axis:
/// floor((in + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1.
struct ConvOptions {
  Size2 stride = 1;
  Size2 padding = 0;
  Size2 dilation = 1;
  int64_t groups = 1;
};

}  // namespace gw

namespace gw::kernels {

/// y[n, o, h, w] = bias[o] + sum over i, kh, kw of x[n, i, h * stride + kh * dilation - padding, ...] * weight[o, i,
/// kh, kw], of x's dtype. `bias` may be undefined. Throws ShapeError, DTypeError, DeviceError for operands that do not
/// fit, ConfigError for options that make no sense. `moments`, unless null, is set to y's if finding them costs less
/// than reading y again, and else left undefined.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& o = {},
              BatchMoments* moments = nullptr);

/// The gradient of conv2d's input, of shape `x_shape` and dy's dtype.
Tensor conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& x_shape, const ConvOptions& o = {});

/// Gradients of conv2d's parameters, in f32.
struct ConvWeightGrads {
  Tensor weight;  ///< of the weight's shape, channels-last
  Tensor bias;    ///< [out_channels]; undefined unless asked for
};
ConvWeightGrads conv2d_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight_shape, bool need_bias,
                                       const ConvOptions& o = {});

}  // namespace gw::kernels
