// Element-wise operations, fill, and copies between layouts and dtypes on one device. Memory-bound: each reads its
// operands and writes its result once, whatever it computes.
#include "kernels/cuda/elementwise.h"

#include "kernels/cuda/copy.h"
#include "kernels/cuda/map.h"

namespace gw::kernels::cuda {
namespace {

using math::Compute;

/// Chooses between two values by a mask of bytes.
struct Select {
  template <class C>
  GW_HOST_DEVICE C operator()(uint8_t condition, C a, C b) const {
    return condition ? a : b;
  }
};

/// One value for every element.
template <class C>
struct Constant {
  C value;
  GW_HOST_DEVICE C operator()() const { return value; }
};

}  // namespace

void unary(Unary op, const Tensor& out, const Tensor& x) {
  const bool done = math::visit_any_unary(
      op, [&](auto f) { visit(x.dtype(), [&](auto v) { map<decltype(v), decltype(v)>("unary", f, out, x); }); });
  if (done) return;
  math::visit_float_unary(op, [&](auto f) {
    visit_floating(x.dtype(), "unary", [&](auto v) { map<decltype(v), decltype(v)>("unary", f, out, x); });
  });
}

void binary(Binary op, const Tensor& out, const Tensor& a, const Tensor& b) {
  visit(a.dtype(), [&](auto v) {
    using T = decltype(v);
    if (math::is_comparison(op))
      math::visit_comparison<Compute<T>>(op, [&](auto f) { map<uint8_t, T, T>("compare", f, out, a, b); });
    else
      math::visit_arithmetic<Compute<T>>(op, [&](auto f) { map<T, T, T>("binary", f, out, a, b); });
  });
}

void binary_number(Binary op, const Tensor& out, const Tensor& x, double number, bool number_first) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    using C = Compute<T>;
    const C n = math::number_as<C>(number);
    if (math::is_comparison(op)) {
      math::visit_comparison<C>(op, [&](auto f) {
        map<uint8_t, T>("compare_number", math::WithNumber<C, decltype(f)>{f, n}, out, x);
      });
    } else if (op == Binary::pow && !number_first && number == 2) {
      map<T, T>("square", math::Square{}, out, x);
    } else if (number_first) {
      math::visit_arithmetic<C>(op, [&](auto f) {
        map<T, T>("binary_number", math::NumberFirst<C, decltype(f)>{f, n}, out, x);
      });
    } else {
      math::visit_arithmetic<C>(op, [&](auto f) {
        map<T, T>("binary_number", math::WithNumber<C, decltype(f)>{f, n}, out, x);
      });
    }
  });
}

void add_scaled(const Tensor& out, const Tensor& a, const Tensor& b, double alpha) {
  visit(a.dtype(), [&](auto v) {
    using T = decltype(v);
    using C = Compute<T>;
    if (alpha == 1)
      map<T, T, T>("add", math::Add{}, out, a, b);
    else
      map<T, T, T>("add_scaled", math::AddScaled<C>{math::number_as<C>(alpha)}, out, a, b);
  });
}

void where(const Tensor& out, const Tensor& condition, const Tensor& a, const Tensor& b) {
  visit(out.dtype(), [&](auto v) {
    using T = decltype(v);
    map<T, uint8_t, T, T>("where", Select{}, out, condition, a, b);
  });
}

void clamp(const Tensor& out, const Tensor& x, double min, double max) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    map<T, T>("clamp", math::Clamp<Compute<T>>(min, max), out, x);
  });
}

void fill(const Tensor& x, double value) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    using C = Compute<T>;
    map<T>("fill", Constant<C>{static_cast<C>(value)}, x);
  });
}

void copy(const Tensor& destination, const Tensor& source) {
  if (destination.numel() == 0) return;
  if (destination.dtype() == source.dtype() && copy_rows_or_tiles(destination, source)) return;
  visit(source.dtype(), [&](auto from) {
    visit(destination.dtype(),
          [&](auto to) { map<decltype(to), decltype(from)>("copy", math::Identity{}, destination, source); });
  });
}

}  // namespace gw::kernels::cuda
