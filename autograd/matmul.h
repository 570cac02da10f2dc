// Differentiable matrix products.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// a @ b, as PyTorch's matmul: [m, k] x [k, n] -> [m, n]; leading dimensions broadcast; a vector on either side is a
/// row (left) or a column (right) whose dimension the result lacks. The same as a.matmul(b). ShapeError, DTypeError,
/// DeviceError for operands that do not fit.
Tensor matmul(const Tensor& a, const Tensor& b);

/// x weight^T + bias: x [..., in], weight [out, in], bias [out] or undefined -> [..., out] of x's dtype. Weight and
/// bias are usually f32, and so are their gradients, whatever x is. Errors as matmul's.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace gw
