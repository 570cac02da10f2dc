#pragma once

#include "tensor/tensor.h"

namespace gw::kernels::cuda {

/// out (i64 scalar) = the number of lines of the contiguous logits [N, C] whose largest element, of equal ones the first,
/// stands at their target (contiguous i64 [N]).
void count_correct(const Tensor& out, const Tensor& logits, const Tensor& targets);

}  // namespace gw::kernels::cuda
