// Element-wise kernels: unary, binary with NumPy broadcasting, comparison, selection, fill, and copies between layouts
// and dtypes. They keep the memory layout of their (dense) operands. Floating arithmetic is in f32; integers stay
// integers.
#pragma once

#include <optional>

#include "tensor/tensor.h"

namespace gw::kernels {

enum class Unary { neg, exp, log, sqrt, rsqrt, abs, sign, square, reciprocal, sigmoid, tanh, relu };
enum class Binary { add, sub, mul, div, pow, maximum, minimum, eq, ne, lt, le, gt, ge };

/// op(x) for each element. DTypeError for a transcendental function of integers.
Tensor unary(Unary op, const Tensor& x);
/// a op b with broadcasting; the dtypes are promoted (see promote()). Comparisons give u8. DTypeError for integer
/// division or power.
Tensor binary(Binary op, const Tensor& a, const Tensor& b);
/// a op b with a number, which takes a's dtype (and makes an integer tensor f32 if it has a fraction).
Tensor binary(Binary op, const Tensor& a, double b);
Tensor binary(Binary op, double a, const Tensor& b);

/// a + alpha * b.
Tensor add(const Tensor& a, const Tensor& b, double alpha = 1);
inline Tensor sub(const Tensor& a, const Tensor& b) { return kernels::add(a, b, -1); }
inline Tensor mul(const Tensor& a, const Tensor& b) { return binary(Binary::mul, a, b); }
inline Tensor div(const Tensor& a, const Tensor& b) { return binary(Binary::div, a, b); }
inline Tensor mul(const Tensor& a, double b) { return binary(Binary::mul, a, b); }
inline Tensor add(const Tensor& a, double b) { return binary(Binary::add, a, b); }

/// a op= b, where b broadcasts to a's shape and is converted to a's dtype. ShapeError if it does not.
void binary_(Binary op, const Tensor& a, const Tensor& b);
void binary_(Binary op, const Tensor& a, double b);
/// a += alpha * b.
void add_(const Tensor& a, const Tensor& b, double alpha = 1);

/// condition != 0 ? a : b, all broadcast together.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// Each element limited to [min, max]; either may be left out. NaN stays NaN.
Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max);

/// Sets every element.
void fill(const Tensor& x, double value);
/// Copies `source`, broadcast to the shape of `destination`, converting dtype and layout.
void copy(const Tensor& destination, const Tensor& source);
/// x in the given layout: x itself if it has it already, else a copy.
Tensor contiguous(const Tensor& x, MemoryFormat format = MemoryFormat::contiguous);
/// x in another dtype: x itself if it has it already, else a copy in the same layout. Floats to integers cut towards
/// zero.
Tensor cast(const Tensor& x, DType dtype);

}  // namespace gw::kernels
