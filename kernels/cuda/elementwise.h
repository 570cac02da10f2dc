// The GPU's side of kernels/elementwise.h. The operands are of one shape (broadcast by strides); the outputs are
// allocated by the caller.
#pragma once

#include "kernels/elementwise.h"

namespace gw::kernels::cuda {

void unary(Unary op, const Tensor& out, const Tensor& x);
void binary(Binary op, const Tensor& out, const Tensor& a, const Tensor& b);
/// op(x, number), or op(number, x) if `number_first`.
void binary_number(Binary op, const Tensor& out, const Tensor& x, double number, bool number_first);
/// out = a + alpha * b.
void add_scaled(const Tensor& out, const Tensor& a, const Tensor& b, double alpha);
void where(const Tensor& out, const Tensor& condition, const Tensor& a, const Tensor& b);
void clamp(const Tensor& out, const Tensor& x, double min, double max);
void fill(const Tensor& x, double value);
/// Both on one device.
void copy(const Tensor& destination, const Tensor& source);

}  // namespace gw::kernels::cuda
