// Matrix products of tensors on the GPU, by cuBLASLt.
#pragma once

#include "tensor/tensor.h"

namespace gw::kernels::cuda {

/// c = a @ b + bias for a [..., m, k], b [..., k, n] and c [..., m, n] of the same batch dimensions (expanded where
/// they broadcast); bias [n] may be undefined. c is contiguous.
void matmul(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c);

}  // namespace gw::kernels::cuda
