// Group normalisation (Wu and He, "Group normalization", 2018), and what are cases of it: instance norm (a group for
// each channel; Ulyanov et al. 2016) and layer norm (one group; Ba et al. 2016). x has shape [N, C], [N, C, L] or
// [N, C, H, W], in f32 or bf16; weight and bias are f32 vectors of C elements. Channels-last memory is read as it lies;
// other layouts are converted, and the results are channels-last.
#pragma once

#include "tensor/host_device.h"
#include "tensor/tensor.h"

namespace gw::kernels {

/// How a group norm sees memory: samples of rows of channels, which fall into groups of neighbours. A group's numbers
/// are `width` neighbours in each row of a sample.
struct GroupNormShape {
  int64_t samples, rows, channels, groups;
  GW_HOST_DEVICE int64_t width() const { return channels / groups; }
  GW_HOST_DEVICE int64_t sample_size() const { return rows * channels; }
};

/// The output, and the statistics that it was normalised by.
struct GroupNormResult {
  Tensor y;
  Tensor mean;    ///< [N, groups] f32
  Tensor invstd;  ///< [N, groups] f32: 1 / sqrt(biased variance + eps)
};

/// y = (x - mean) * invstd * weight + bias with mean and variance over each sample's group of C / groups channels;
/// weight and bias may be undefined. Reads x from memory once for the statistics and once for y (from the caches, where
/// a sample fits into them) and writes y. ShapeError, DTypeError or DeviceError for operands that do not fit,
/// ShapeError if `groups` does not divide C.
GroupNormResult group_norm_forward(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                                   double eps);

/// What the forward pass leaves to the backward pass.
struct GroupNormSaved {
  const Tensor& x;
  const Tensor& weight;  ///< may be undefined
  const Tensor& mean;
  const Tensor& invstd;
};

struct GroupNormGrads {
  Tensor dx;       ///< undefined unless asked for
  Tensor dweight;  ///< [C] f32, undefined unless asked for, as dbias
  Tensor dbias;
};

/// Gradients of group_norm_forward.
GroupNormGrads group_norm_backward(const Tensor& dy, const GroupNormSaved& saved, bool need_dx, bool need_affine);

}  // namespace gw::kernels
