// Differentiable batch normalisation, with the activation and the residual addition that may follow it fused in.
#pragma once

#include <optional>

#include "kernels/batchnorm.h"
#include "tensor/tensor.h"

namespace gw {

/// act(batch_norm(x) * weight + bias + residual) for x of shape [N, C], [N, C, L] or [N, C, H, W]; weight, bias, the
/// running statistics, act and residual may each be left out. In training the running statistics are updated in place.
/// `moments`, if defined, are those of x, which then need not be computed from it; gradients are as if they had been.
/// What it throws: see kernels::batch_norm_forward.
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, const BatchNormOptions& o = {},
                  const std::optional<GeneralReluOptions>& act = {}, const Tensor& residual = {},
                  const BatchMoments& moments = {});

}  // namespace gw
