// Differentiable normalisation of each sample by itself: group norm, layer norm and instance norm.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// (x - mean) / sqrt(variance + eps) * weight + bias with mean and (biased) variance over each sample's group of
/// C / groups channels (Wu and He, "Group normalization", 2018). x [N, C, ...]; weight and bias [C], f32, or undefined.
/// The result of 4-D input is channels-last. ShapeError if `groups` does not divide C, or for operands that do not fit.
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

/// The same over the last dimensions, which are `normalized_shape` (Ba, Kiros and Hinton, "Layer normalization", 2016);
/// weight and bias, f32, have that shape or are undefined. ShapeError if x does not end in it.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

/// How instance norm runs; PyTorch's defaults.
struct InstanceNormOptions {
  bool use_input_stats = true;  ///< false: normalise by the running statistics, as batch norm in inference
  double momentum = 0.1;        ///< running = (1 - momentum) * running + momentum * mean over the samples
  double eps = 1e-5;
};

/// The same over each channel of each sample (Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016).
/// x [N, C, L] or [N, C, H, W]; all others f32 [C] or undefined. Running statistics, if given, follow the input's, the
/// variance without bias. ShapeError for a single number per channel, ConfigError for running statistics that are
/// needed and not there.
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {}, const Tensor& running_var = {},
                     const Tensor& weight = {}, const Tensor& bias = {}, const InstanceNormOptions& o = {});

}  // namespace gw
