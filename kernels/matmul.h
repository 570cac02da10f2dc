// Matrix products, in f32 or bf16; sums are always f32. Transposed and sliced views are read as they lie.
#pragma once

#include <optional>

#include "tensor/tensor.h"

namespace gw {

/// Whether matrix products and convolutions of f32 tensors on a GPU may use its TF32 units, which are several times as
/// fast but keep 10 bits of each factor's mantissa; sums stay f32. Off at first, for all threads.
void set_allow_tf32(bool allow);
bool allow_tf32();

}  // namespace gw

namespace gw::kernels {

/// a @ b as PyTorch's matmul: [m, k] x [k, n] -> [m, n]; batches in leading dimensions broadcast ([b, m, k] x [k, n] ->
/// [b, m, n]); a vector on either side is a row (left) or column (right) whose dimension the result lacks. The result's
/// dtype is `dtype`, or what a's and b's promote to: a product of bf16 matrices that is to stay f32, as a weight
/// gradient, asks for it. Throws ShapeError, DTypeError, DeviceError for operands that do not fit.
Tensor matmul(const Tensor& a, const Tensor& b, std::optional<DType> dtype = {});

/// x @ weight^T + bias: x [..., in], weight [out, in], bias [out] or undefined -> [..., out] of x's dtype. Weight and
/// bias may be f32 whatever x is.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace gw::kernels
