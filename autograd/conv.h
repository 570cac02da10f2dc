// Differentiable two-dimensional convolution.
#pragma once

#include "kernels/conv.h"
#include "tensor/tensor.h"

namespace gw {

/// Cross-correlates x [N, I, H, W] with weight [O, I / groups, kh, kw] and adds bias [O], which may be undefined, to
/// [N, O, H', W'] of x's dtype. Weight and bias are usually f32, and so are their gradients, whatever x is. Options and
/// errors: see kernels/conv.h. `moments`, unless null, may be set to the result's; no gradient goes through them.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const ConvOptions& o = {},
              BatchMoments* moments = nullptr);

}  // namespace gw
