// Reductions over any dimensions. Sums are accumulated in blocks (f32 partial sums of short runs, added in double), so
// that long ones stay exact to a few units in the last place. Empty `dims` means all dimensions. bf16 in, bf16 out, f32
// between.
#pragma once

#include <utility>

#include "tensor/tensor.h"

namespace gw::kernels {

/// Sum over `dims`. Integers sum to i64.
Tensor sum(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
/// Sum divided by the count; NaN over nothing. DTypeError for integers.
Tensor mean(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
/// Sum of squared distances from the mean / (count - correction), in two passes. DTypeError for integers.
Tensor var(const Tensor& x, const Shape& dims = {}, int64_t correction = 1, bool keepdim = false);
/// Largest (smallest) element; NaN if there is one. ShapeError over nothing.
Tensor amax(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
/// i64 index along `dim` of the largest (smallest) element: the first of equals; NaN counts as both. ShapeError over
/// nothing.
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim = false);

}  // namespace gw::kernels
