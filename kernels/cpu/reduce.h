// Reductions of the CPU, on dense memory seen as [outer, reduced, inner]: element (o, r, i) at (o * reduced + r) *
// inner + i, results at o * inner + i.
#pragma once

#include <cstdint>

#include "kernels/reduce_shape.h"
#include "tensor/tensor.h"

namespace gw::kernels::cpu {

/// out = scale * sum of x. `out` is of x's dtype, or i64 for integers.
void sum(const Tensor& out, const Tensor& x, ReduceShape shape, double scale);
/// out = scale * sum of (x - mean)^2, `mean` in f64 as `sum` makes it inside.
void sum_squared_deviations(const Tensor& out, const Tensor& x, ReduceShape shape, double scale);
/// Largest elements, or smallest.
void extremum(const Tensor& out, const Tensor& x, ReduceShape shape, bool largest);
/// i64 positions along the reduced dimension of the largest (smallest) elements.
void arg_extremum(const Tensor& out, const Tensor& x, ReduceShape shape, bool largest);

}  // namespace gw::kernels::cpu
