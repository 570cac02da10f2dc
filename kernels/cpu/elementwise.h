// Element-wise loops of the CPU. Outputs are allocated and operands expanded to the output's shape by the caller.
#pragma once

#include <limits>

#include "kernels/elementwise.h"

namespace gw::kernels::cpu {

void unary(Unary op, const Tensor& out, const Tensor& x);
/// a and b are of one dtype.
void binary(Binary op, const Tensor& out, const Tensor& a, const Tensor& b);
/// out = x op number, or number op x if `number_first`.
void binary_number(Binary op, const Tensor& out, const Tensor& x, double number, bool number_first);
/// out = a + alpha * b.
void add_scaled(const Tensor& out, const Tensor& a, const Tensor& b, double alpha);
void where(const Tensor& out, const Tensor& condition, const Tensor& a, const Tensor& b);
void clamp(const Tensor& out, const Tensor& x, double min, double max);
void fill(const Tensor& x, double value);
void copy(const Tensor& destination, const Tensor& source);

}  // namespace gw::kernels::cpu
