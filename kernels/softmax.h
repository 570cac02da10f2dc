// Softmax along one dimension. f32 or bf16, arithmetic in f32; the results have the dtype and the memory layout of x
// where that is dense. DTypeError for integers, ShapeError for a `dim` out of range.
#pragma once

#include "tensor/tensor.h"

namespace gw::kernels {

/// exp(x - max) / sum of these, along `dim`.
Tensor softmax(const Tensor& x, int64_t dim);
/// y (dy - sum of dy y), with y = softmax(x).
Tensor softmax_backward(const Tensor& dy, const Tensor& y, int64_t dim);
/// x - max - log of the sum of exp(x - max), along `dim`.
Tensor log_softmax(const Tensor& x, int64_t dim);
/// dy - exp(y) sum of dy, with y = log_softmax(x).
Tensor log_softmax_backward(const Tensor& dy, const Tensor& y, int64_t dim);
/// max + log of the sum of exp(x - max), along `dim`, which stays as a dimension of 1.
Tensor logsumexp(const Tensor& x, int64_t dim);
/// dy exp(x - y), with y = logsumexp(x); 0 where y is -inf.
Tensor logsumexp_backward(const Tensor& dy, const Tensor& x, const Tensor& y, int64_t dim);

}  // namespace gw::kernels
