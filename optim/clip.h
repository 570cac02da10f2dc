// Clipping of gradients, which keeps a rare steep step from throwing a recurrent model off (Pascanu et al. 2013).
#pragma once

#include <span>

#include "tensor/tensor.h"

namespace gw {

/// Multiplies all gradients by max_norm / norm where their common 2-norm is above max_norm (PyTorch's clip_grad_norm_).
/// Parameters without a gradient are passed over. Returns the norm before: f32, a scalar, on the parameters' device,
/// which is not waited for. ConfigError for a max_norm that is not above 0.
Tensor clip_grad_norm_(std::span<const Tensor> params, double max_norm);

}  // namespace gw
