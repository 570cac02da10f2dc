#include "autograd/arithmetic.h"

#include "autograd/autograd.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// A zero to choose beside elements of t.
Tensor zero_like(const Tensor& t) { return scalar(0, {.dtype = t.dtype(), .device = t.device()}); }

}  // namespace

using kernels::Binary;
using kernels::Unary;

// --- unary

Tensor Tensor::operator-() const {
  return record("neg", kernels::unary(Unary::neg, *this), {*this},
                [](const Tensor& dy) { return Grads{kernels::unary(Unary::neg, dy)}; });
}

Tensor Tensor::exp() const {
  Tensor y = kernels::unary(Unary::exp, *this);
  return record("exp", y, {*this}, [y = saved(y)](const Tensor& dy) { return Grads{kernels::mul(dy, y)}; });
}

Tensor Tensor::log() const {
  return record("log", kernels::unary(Unary::log, *this), {*this},
                [x = saved(*this)](const Tensor& dy) { return Grads{kernels::div(dy, x)}; });
}

Tensor Tensor::sqrt() const {
  Tensor y = kernels::unary(Unary::sqrt, *this);
  return record("sqrt", y, {*this},
                [y = saved(y)](const Tensor& dy) { return Grads{kernels::mul(kernels::div(dy, y), 0.5)}; });
}

Tensor Tensor::rsqrt() const {
  Tensor y = kernels::unary(Unary::rsqrt, *this);
  return record("rsqrt", y, {*this}, [y = saved(y)](const Tensor& dy) {
    const Tensor cube = kernels::mul(kernels::unary(Unary::square, y), y);
    return Grads{kernels::mul(kernels::mul(dy, cube), -0.5)};
  });
}

Tensor Tensor::abs() const {
  return record("abs", kernels::unary(Unary::abs, *this), {*this}, [x = saved(*this)](const Tensor& dy) {
    return Grads{kernels::mul(dy, kernels::unary(Unary::sign, x))};
  });
}

Tensor sign(const Tensor& x) {
  return record("sign", kernels::unary(Unary::sign, x), {x}, [](const Tensor& dy) { return Grads{zeros_like(dy)}; });
}

Tensor Tensor::pow(double exponent) const {
  return record("pow", kernels::binary(Binary::pow, *this, exponent), {*this},
                [x = saved(*this), exponent](const Tensor& dy) {
                  if (exponent == 0) return Grads{zeros_like(dy)};
                  const Tensor slope = kernels::mul(kernels::binary(Binary::pow, x, exponent - 1), exponent);
                  return Grads{kernels::mul(dy, slope)};
                });
}

Tensor Tensor::sigmoid() const {
  Tensor y = kernels::unary(Unary::sigmoid, *this);
  return record("sigmoid", y, {*this}, [y = saved(y)](const Tensor& dy) {
    return Grads{kernels::mul(dy, kernels::mul(y, kernels::binary(Binary::sub, 1, y)))};
  });
}

Tensor Tensor::tanh() const {
  Tensor y = kernels::unary(Unary::tanh, *this);
  return record("tanh", y, {*this}, [y = saved(y)](const Tensor& dy) {
    return Grads{kernels::mul(dy, kernels::binary(Binary::sub, 1, kernels::unary(Unary::square, y)))};
  });
}

Tensor Tensor::relu() const {
  Tensor y = kernels::unary(Unary::relu, *this);
  return record("relu", y, {*this}, [y = saved(y)](const Tensor& dy) {
    return Grads{kernels::where(kernels::binary(Binary::gt, y, 0), dy, zero_like(dy))};
  });
}

Tensor Tensor::clamp(std::optional<double> min, std::optional<double> max) const {
  return record("clamp", kernels::clamp(*this, min, max), {*this}, [x = saved(*this), min, max](const Tensor& dy) {
    Tensor dx = dy;
    const Tensor zero = zero_like(dy);
    if (min) dx = kernels::where(kernels::binary(Binary::ge, x, *min), dx, zero);
    if (max) dx = kernels::where(kernels::binary(Binary::le, x, *max), dx, zero);
    return Grads{dx};
  });
}

// --- binary: what was broadcast in the forward pass is summed in the backward pass

namespace {

/// The gradient of an operand: of its shape and dtype.
Tensor like_operand(const Tensor& gradient, const Tensor& operand) {
  return kernels::cast(sum_to_shape(gradient, operand.shape()), operand.dtype());
}

/// The gradient of an operand of which only shape and dtype are remembered.
struct OperandSpec {
  Shape shape;
  DType dtype;
  bool needs_grad;
  explicit OperandSpec(const Tensor& t) : shape(t.shape()), dtype(t.dtype()), needs_grad(t.requires_grad()) {}
  Tensor fit(const Tensor& gradient) const { return kernels::cast(sum_to_shape(gradient, shape), dtype); }
};

}  // namespace

Tensor add(const Tensor& a, const Tensor& b, double alpha) {
  return record("add", kernels::add(a, b, alpha), {a, b},
                [a = OperandSpec(a), b = OperandSpec(b), alpha](const Tensor& dy) {
                  Grads grads(2);
                  if (a.needs_grad) grads[0] = a.fit(dy);
                  if (b.needs_grad) grads[1] = b.fit(alpha == 1 ? dy : kernels::mul(dy, alpha));
                  return grads;
                });
}

Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b, 1); }
Tensor operator-(const Tensor& a, const Tensor& b) { return add(a, b, -1); }

Tensor operator*(const Tensor& a, const Tensor& b) {
  return record("mul", kernels::mul(a, b), {a, b},
                [a = saved(a), b = saved(b), da = a.requires_grad(), db = b.requires_grad()](const Tensor& dy) {
                  Grads grads(2);
                  if (da) grads[0] = like_operand(kernels::mul(dy, b), a);
                  if (db) grads[1] = like_operand(kernels::mul(dy, a), b);
                  return grads;
                });
}

Tensor operator/(const Tensor& a, const Tensor& b) {
  return record("div", kernels::div(a, b), {a, b},
                [a = saved(a), b = saved(b), da = a.requires_grad(), db = b.requires_grad()](const Tensor& dy) {
                  Grads grads(2);
                  const Tensor quotient = kernels::div(dy, b);
                  if (da) grads[0] = like_operand(quotient, a);
                  if (db) {
                    const Tensor ratio = kernels::div(a, b);
                    grads[1] = like_operand(kernels::unary(Unary::neg, kernels::mul(quotient, ratio)), b);
                  }
                  return grads;
                });
}

namespace {

Tensor extremum(const char* name, Binary op, Binary wins, const Tensor& a, const Tensor& b) {
  return record(name, kernels::binary(op, a, b), {a, b}, [a = saved(a), b = saved(b), wins](const Tensor& dy) {
    const Tensor half = kernels::mul(dy, 0.5), zero = zero_like(dy);
    const Tensor equal = kernels::binary(Binary::eq, a, b);
    const Tensor to_a = kernels::where(kernels::binary(wins, a, b), dy, kernels::where(equal, half, zero));
    const Tensor to_b = kernels::where(kernels::binary(wins, b, a), dy, kernels::where(equal, half, zero));
    return Grads{like_operand(to_a, a), like_operand(to_b, b)};
  });
}

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) { return extremum("maximum", Binary::maximum, Binary::gt, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return extremum("minimum", Binary::minimum, Binary::lt, a, b); }

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return record("where", kernels::where(condition, a, b), {condition, a, b},
                [c = saved(condition), a = OperandSpec(a), b = OperandSpec(b)](const Tensor& dy) {
                  const Tensor zero = zero_like(dy);
                  Grads grads(3);
                  if (a.needs_grad) grads[1] = a.fit(kernels::where(c, dy, zero));
                  if (b.needs_grad) grads[2] = b.fit(kernels::where(c, zero, dy));
                  return grads;
                });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  return where(mask, scalar(value, {.dtype = x.dtype(), .device = x.device()}), x);
}

// --- with a number

Tensor operator+(const Tensor& a, double b) {
  return record("add", kernels::binary(Binary::add, a, b), {a}, [](const Tensor& dy) { return Grads{dy}; });
}
Tensor operator-(const Tensor& a, double b) {
  return record("sub", kernels::binary(Binary::sub, a, b), {a}, [](const Tensor& dy) { return Grads{dy}; });
}
Tensor operator*(const Tensor& a, double b) {
  return record("mul", kernels::mul(a, b), {a}, [b](const Tensor& dy) { return Grads{kernels::mul(dy, b)}; });
}
Tensor operator/(const Tensor& a, double b) {
  return record("div", kernels::binary(Binary::div, a, b), {a},
                [b](const Tensor& dy) { return Grads{kernels::binary(Binary::div, dy, b)}; });
}
Tensor operator+(double a, const Tensor& b) { return b + a; }
Tensor operator*(double a, const Tensor& b) { return b * a; }
Tensor operator-(double a, const Tensor& b) {
  return record("sub", kernels::binary(Binary::sub, a, b), {b},
                [](const Tensor& dy) { return Grads{kernels::unary(Unary::neg, dy)}; });
}
Tensor operator/(double a, const Tensor& b) {
  return record("div", kernels::binary(Binary::div, a, b), {b}, [a, b = saved(b)](const Tensor& dy) {
    const Tensor slope = kernels::binary(Binary::div, -a, kernels::unary(Unary::square, b));
    return Grads{kernels::mul(dy, slope)};
  });
}

// --- comparisons have no gradient

Tensor operator==(const Tensor& a, const Tensor& b) { return kernels::binary(Binary::eq, a, b); }
Tensor operator!=(const Tensor& a, const Tensor& b) { return kernels::binary(Binary::ne, a, b); }
Tensor operator<(const Tensor& a, const Tensor& b) { return kernels::binary(Binary::lt, a, b); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return kernels::binary(Binary::le, a, b); }
Tensor operator>(const Tensor& a, const Tensor& b) { return kernels::binary(Binary::gt, a, b); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return kernels::binary(Binary::ge, a, b); }
Tensor operator==(const Tensor& a, double b) { return kernels::binary(Binary::eq, a, b); }
Tensor operator!=(const Tensor& a, double b) { return kernels::binary(Binary::ne, a, b); }
Tensor operator<(const Tensor& a, double b) { return kernels::binary(Binary::lt, a, b); }
Tensor operator<=(const Tensor& a, double b) { return kernels::binary(Binary::le, a, b); }
Tensor operator>(const Tensor& a, double b) { return kernels::binary(Binary::gt, a, b); }
Tensor operator>=(const Tensor& a, double b) { return kernels::binary(Binary::ge, a, b); }

}  // namespace gw
