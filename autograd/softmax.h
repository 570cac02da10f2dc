// Softmax and its relatives, differentiable. Tensor::softmax and Tensor::log_softmax are the same functions.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// exp(x - max) / sum of these, along `dim`: each line along `dim` sums to 1. Shape and dtype of x. A line that is -inf
/// throughout gives NaN, as does one with a +inf or NaN. DTypeError for integers; ShapeError for a `dim` out of range.
Tensor softmax(const Tensor& x, int64_t dim);
/// log(softmax(x)), exact where softmax rounds to 0.
Tensor log_softmax(const Tensor& x, int64_t dim);
/// log of the sum of exp(x) over `dims`, without overflow. -inf where all of x is -inf.
Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim = false);

}  // namespace gw
