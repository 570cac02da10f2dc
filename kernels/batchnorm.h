// Batch normalisation (Ioffe & Szegedy 2015), alone or fused with what follows it in a ResNet: GeneralRelu, and the
// addition of a residual. x has shape [N, C], [N, C, L] or [N, C, H, W], in f32 or bf16; weight, bias, running
// statistics and saved statistics are f32 vectors of C elements. Channels-last memory is read as it lies; other layouts
// are converted, and the results are channels-last.
#pragma once

#include <optional>

#include "kernels/activation.h"
#include "kernels/batch_moments.h"
#include "tensor/tensor.h"

namespace gw {

/// How batch norm runs; PyTorch's defaults.
struct BatchNormOptions {
  bool training = true;   ///< normalise by the batch's statistics and update the running ones
  double momentum = 0.1;  ///< running = (1 - momentum) * running + momentum * batch
  double eps = 1e-5;      ///< added to the variance
};

}  // namespace gw

namespace gw::kernels {

/// The output, and the statistics that it was normalised by.
struct BatchNormResult {
  Tensor y;
  Tensor mean;    ///< [C] f32
  Tensor invstd;  ///< [C] f32: 1 / sqrt(variance + eps)
};

/// y = act((x - mean) * invstd * weight + bias + residual), each of weight, bias, act and residual optional.
/// In training, mean and (biased) variance are the batch's (`moments`, if defined, else computed from x), and the
/// running statistics, if defined, are updated in place, the running variance with the unbiased one. Otherwise the
/// running statistics are used. Throws ShapeError, DTypeError, DeviceError for operands that do not fit, ShapeError in
/// training with a single value per channel, ConfigError in inference without running statistics and for half of a pair
/// of moments or running statistics.
BatchNormResult batch_norm_forward(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                   const Tensor& running_mean, const Tensor& running_var, const BatchNormOptions& o,
                                   const std::optional<GeneralReluOptions>& act = {}, const Tensor& residual = {},
                                   const BatchMoments& moments = {});

/// What the forward pass leaves to the backward pass.
struct BatchNormSaved {
  const Tensor& x;
  const Tensor& weight;  ///< may be undefined, as may bias
  const Tensor& bias;
  const Tensor& mean;
  const Tensor& invstd;
  const Tensor& y;  ///< only read with both a residual and an activation
};

struct BatchNormGrads {
  Tensor dx;         ///< undefined unless asked for
  Tensor dweight;    ///< [C] f32, always computed: the sums are needed anyway
  Tensor dbias;      ///< [C] f32
  Tensor dresidual;  ///< defined with a residual: the gradient before batch norm's output and residual were added
};

/// Gradients of batch_norm_forward. With an activation and no residual the activation's input is computed again from x;
/// with both its sign is read off y, so that `act` must allow derivative_from_output() then.
BatchNormGrads batch_norm_backward(const Tensor& dy, const BatchNormSaved& saved, bool training, bool need_dx,
                                   const std::optional<GeneralReluOptions>& act, bool has_residual);

}  // namespace gw::kernels
