// Statistics of all elements of a tensor, or of two together: scalars, differentiable.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// The mean distance from the mean: less swayed by what lies far out than the standard deviation.
Tensor mean_absolute_deviation(const Tensor& x);
/// The mean of (x - mean of x) (y - mean of y). ShapeError unless both are of one shape.
Tensor covariance(const Tensor& x, const Tensor& y);
/// covariance(x, y) over the product of the standard deviations (of n elements, not n - 1): from -1 to 1 (Pearson).
Tensor correlation(const Tensor& x, const Tensor& y);

}  // namespace gw
