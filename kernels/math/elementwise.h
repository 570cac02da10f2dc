// The functions behind the element-wise kernels, and the choice among them by name.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/elementwise.h"
#include "kernels/math/functions.h"

namespace gw::math {

using kernels::Binary;
using kernels::Unary;

/// What arithmetic on T is done in.
template <class T>
using Compute = std::conditional_t<std::is_same_v<T, bf16>, float, T>;

/// A number in the compute type; integers cut towards zero, as the caller has made sure that nothing is lost.
template <class C>
C number_as(double value) {
  return static_cast<C>(value);
}

struct Identity {
  template <class C>
  GW_HOST_DEVICE C operator()(C x) const {
    return x;
  }
};
struct Square {
  template <class C>
  GW_HOST_DEVICE C operator()(C x) const {
    return static_cast<C>(x * x);
  }
};
struct Neg {
  template <class C>
  GW_HOST_DEVICE C operator()(C x) const {
    return static_cast<C>(-x);
  }
};
struct Abs {
  template <class C>
  GW_HOST_DEVICE C operator()(C x) const {
    if constexpr (std::is_floating_point_v<C>)
      return std::fabs(x);
    else if constexpr (std::is_unsigned_v<C>)
      return x;
    else
      return x < C{0} ? static_cast<C>(-x) : x;
  }
};
struct Sign {
  template <class C>
  GW_HOST_DEVICE C operator()(C x) const {
    if constexpr (std::is_floating_point_v<C>) {
      if (x != x) return x;
    }
    if constexpr (std::is_unsigned_v<C>)
      return static_cast<C>(x != C{0});
    else
      return static_cast<C>((x > C{0}) - (x < C{0}));
  }
};
struct Relu {
  template <class C>
  GW_HOST_DEVICE C operator()(C x) const {
    if constexpr (std::is_unsigned_v<C>)
      return x;
    else
      return x < C{0} ? C{0} : x;  // written so that NaN stays NaN
  }
};
struct Exp {
  GW_HOST_DEVICE float operator()(float x) const { return math::exp(x); }
};
struct Log {
  GW_HOST_DEVICE float operator()(float x) const { return math::log(x); }
};
struct Sqrt {
  GW_HOST_DEVICE float operator()(float x) const { return std::sqrt(x); }
};
struct Rsqrt {
  GW_HOST_DEVICE float operator()(float x) const { return 1.0f / std::sqrt(x); }
};
struct Reciprocal {
  GW_HOST_DEVICE float operator()(float x) const { return 1.0f / x; }
};
struct Sigmoid {
  GW_HOST_DEVICE float operator()(float x) const { return math::sigmoid(x); }
};
struct Tanh {
  GW_HOST_DEVICE float operator()(float x) const { return math::tanh(x); }
};

/// Calls visitor(f) with the function of `op` if it exists for integers too; false if it is for floats only.
template <class Visitor>
bool visit_any_unary(Unary op, const Visitor& visitor) {
  switch (op) {
    case Unary::neg:
      visitor(Neg{});
      return true;
    case Unary::abs:
      visitor(Abs{});
      return true;
    case Unary::sign:
      visitor(Sign{});
      return true;
    case Unary::square:
      visitor(Square{});
      return true;
    case Unary::relu:
      visitor(Relu{});
      return true;
    default:
      return false;
  }
}

template <class Visitor>
void visit_float_unary(Unary op, const Visitor& visitor) {
  switch (op) {
    case Unary::exp:
      return visitor(Exp{});
    case Unary::log:
      return visitor(Log{});
    case Unary::sqrt:
      return visitor(Sqrt{});
    case Unary::rsqrt:
      return visitor(Rsqrt{});
    case Unary::reciprocal:
      return visitor(Reciprocal{});
    case Unary::sigmoid:
      return visitor(Sigmoid{});
    case Unary::tanh:
      return visitor(Tanh{});
    default:
      return;
  }
}

struct Add {
  template <class C>
  GW_HOST_DEVICE C operator()(C a, C b) const {
    return static_cast<C>(a + b);
  }
};
struct Sub {
  template <class C>
  GW_HOST_DEVICE C operator()(C a, C b) const {
    return static_cast<C>(a - b);
  }
};
struct Mul {
  template <class C>
  GW_HOST_DEVICE C operator()(C a, C b) const {
    return static_cast<C>(a * b);
  }
};
struct Div {
  GW_HOST_DEVICE float operator()(float a, float b) const { return a / b; }
};
struct Pow {
  GW_HOST_DEVICE float operator()(float a, float b) const { return std::pow(a, b); }
};
// A comparison is false for a NaN on either side, and the NaN must win.
struct Maximum {
  template <class C>
  GW_HOST_DEVICE C operator()(C a, C b) const {
    return a > b || a != a ? a : b;
  }
};
struct Minimum {
  template <class C>
  GW_HOST_DEVICE C operator()(C a, C b) const {
    return a < b || a != a ? a : b;
  }
};

/// Calls visitor(f) with the function of an arithmetic `op` on C.
template <class C, class Visitor>
void visit_arithmetic(Binary op, const Visitor& visitor) {
  switch (op) {
    case Binary::add:
      return visitor(Add{});
    case Binary::sub:
      return visitor(Sub{});
    case Binary::mul:
      return visitor(Mul{});
    case Binary::maximum:
      return visitor(Maximum{});
    case Binary::minimum:
      return visitor(Minimum{});
    default:
      break;
  }
  if constexpr (std::is_floating_point_v<C>) {
    if (op == Binary::div) return visitor(Div{});
    if (op == Binary::pow) return visitor(Pow{});
  }
}

struct Eq {
  template <class C>
  GW_HOST_DEVICE bool operator()(C a, C b) const {
    return a == b;
  }
};
struct Ne {
  template <class C>
  GW_HOST_DEVICE bool operator()(C a, C b) const {
    return a != b;
  }
};
struct Lt {
  template <class C>
  GW_HOST_DEVICE bool operator()(C a, C b) const {
    return a < b;
  }
};
struct Le {
  template <class C>
  GW_HOST_DEVICE bool operator()(C a, C b) const {
    return a <= b;
  }
};
struct Gt {
  template <class C>
  GW_HOST_DEVICE bool operator()(C a, C b) const {
    return a > b;
  }
};
struct Ge {
  template <class C>
  GW_HOST_DEVICE bool operator()(C a, C b) const {
    return a >= b;
  }
};

inline bool is_comparison(Binary op) { return op >= Binary::eq; }

template <class C, class Visitor>
void visit_comparison(Binary op, const Visitor& visitor) {
  switch (op) {
    case Binary::eq:
      return visitor(Eq{});
    case Binary::ne:
      return visitor(Ne{});
    case Binary::lt:
      return visitor(Lt{});
    case Binary::le:
      return visitor(Le{});
    case Binary::gt:
      return visitor(Gt{});
    case Binary::ge:
      return visitor(Ge{});
    default:
      return;
  }
}

/// a + scale * b.
template <class C>
struct AddScaled {
  C scale;
  GW_HOST_DEVICE C operator()(C a, C b) const { return static_cast<C>(a + scale * b); }
};

/// f(x, number).
template <class C, class F>
struct WithNumber {
  F f;
  C number;
  GW_HOST_DEVICE auto operator()(C x) const { return f(x, number); }
};

/// f(number, x).
template <class C, class F>
struct NumberFirst {
  F f;
  C number;
  GW_HOST_DEVICE auto operator()(C x) const { return f(number, x); }
};

/// x limited to [low, high]; NaN stays NaN.
template <class C>
struct Clamp {
  C low, high;
  Clamp(double min, double max) : low(bound(min)), high(bound(max)) {}
  GW_HOST_DEVICE C operator()(C x) const {
    const C raised = x < low ? low : x;
    return raised > high ? high : raised;
  }

 private:
  /// An integer's bounds are cut to its range; a float's infinite bounds never bind.
  static C bound(double value) {
    if constexpr (std::is_floating_point_v<C>) {
      return static_cast<C>(value);
    } else {
      constexpr auto lowest = std::numeric_limits<C>::lowest(), highest = std::numeric_limits<C>::max();
      if (value <= static_cast<double>(lowest)) return lowest;
      return value >= static_cast<double>(highest) ? highest : static_cast<C>(value);
    }
  }
};

}  // namespace gw::math
