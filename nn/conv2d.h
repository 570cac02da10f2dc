// Conv2d: the two-dimensional convolution layer.
#pragma once

#include "autograd/conv.h"
#include "nn/module.h"

namespace gw {

/// Convolves [N, in_channels, H, W] to [N, out_channels, H', W']: Conv2d(3, 8, 5, {.stride = 2, .padding = 2}).
struct Conv2d : Module {
  Conv2d(int64_t in_channels, int64_t out_channels, Size2 kernel_size, ConvOptions o = {}, bool bias = true);
  Tensor forward(const Tensor& x) override { return forward_with_moments(x, nullptr); }
  /// forward(x); `moments`, unless null, may be set to those of the result.
  Tensor forward_with_moments(const Tensor& x, BatchMoments* moments) const;
  std::string extra_repr() const override;

  ConvOptions options;
  Tensor weight;  ///< [out_channels, in_channels / groups, kernel height, kernel width], in channels-last memory
  Tensor bias;    ///< [out_channels], or undefined
};

}  // namespace gw
