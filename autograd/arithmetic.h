// Differentiable element-wise functions that are not methods of Tensor.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// a + alpha * b, broadcasting.
Tensor add(const Tensor& a, const Tensor& b, double alpha = 1);
/// condition != 0 ? a : b, all broadcast together. No gradient for the condition.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// The larger (smaller) of each pair; where both are equal, each gets half the gradient, as in PyTorch.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// -1, 0 or 1; its gradient is zero.
Tensor sign(const Tensor& x);
/// `value` where the mask is not 0, else x.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

}  // namespace gw
