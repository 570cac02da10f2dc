#include "kernels/cpu/elementwise.h"

#include <fmt/format.h>

#include <cmath>
#include <type_traits>

#include "kernels/cpu/stream.h"
#include "kernels/cpu/strided.h"
#include "kernels/math/elementwise.h"

namespace gw::kernels::cpu {
namespace {

using math::Compute;
using math::number_as;

/// Whether to stream a result: it is larger than the caches, and not written over its operands, whose lines are in the
/// cache anyway.
bool streams(const Tensor& out, const Tensor& a, const Tensor& b) {
  return out.numel() * size_of(out.dtype()) >= kStreamBytes && out.raw() != a.raw() && out.raw() != b.raw();
}

/// out[i] = f(x[i]) along a row. The unit-stride loop is apart so that the compiler vectorises it.
template <class Out, class In, class F>
void map_row(Out* out, int64_t out_step, const In* x, int64_t x_step, int64_t n, bool stream, const F& f) {
  const auto fill = [&](Out* to, int64_t begin, int64_t count) {
    const In* from = x + begin;
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<Out>(f(static_cast<Compute<In>>(from[i])));
  };
  if (out_step == 1 && x_step == 1) return stream ? stream_blocks(out, n, fill) : fill(out, 0, n);
  for (int64_t i = 0; i < n; ++i) out[i * out_step] = static_cast<Out>(f(static_cast<Compute<In>>(x[i * x_step])));
}

template <class Out, class In, class F>
void map(const Tensor& out, const Tensor& x, const F& f) {
  Out* o = out.data<Out>();
  const In* p = x.data<In>();
  const bool stream = streams(out, x, x);
  for_each_row<2>({&out, &x}, [&](const auto& at, const auto& step, int64_t n) {
    map_row(o + at[0], step[0], p + at[1], step[1], n, stream, f);
  });
}

/// out[i] = f(a[i], b[i]).
template <class Out, class In, class F>
void map2(const Tensor& out, const Tensor& a, const Tensor& b, const F& f) {
  using C = Compute<In>;
  Out* o = out.data<Out>();
  const In* p = a.data<In>();
  const In* q = b.data<In>();
  const bool stream = streams(out, a, b);
  for_each_row<3>({&out, &a, &b}, [&](const auto& at, const auto& step, int64_t n) {
    Out* z = o + at[0];
    const In *x = p + at[1], *y = q + at[2];
    const auto fill = [&](Out* to, int64_t begin, int64_t count) {
      const In *left = x + begin, *right = y + begin;
      for (int64_t i = 0; i < count; ++i)
        to[i] = static_cast<Out>(f(static_cast<C>(left[i]), static_cast<C>(right[i])));
    };
    if (step[0] == 1 && step[1] == 1 && step[2] == 1) {
      stream ? stream_blocks(z, n, fill) : fill(z, 0, n);
    } else if (step[2] == 0) {
      const C right = static_cast<C>(*y);
      map_row(z, step[0], x, step[1], n, stream, [&](C left) { return f(left, right); });
    } else if (step[1] == 0) {
      const C left = static_cast<C>(*x);
      map_row(z, step[0], y, step[2], n, stream, [&](C right) { return f(left, right); });
    } else {
      for (int64_t i = 0; i < n; ++i)
        z[i * step[0]] = static_cast<Out>(f(static_cast<C>(x[i * step[1]]), static_cast<C>(y[i * step[2]])));
    }
  });
}

}  // namespace

void unary(Unary op, const Tensor& out, const Tensor& x) {
  const bool done = math::visit_any_unary(
      op, [&](const auto& f) { visit(x.dtype(), [&](auto v) { map<decltype(v), decltype(v)>(out, x, f); }); });
  if (done) return;
  math::visit_float_unary(op, [&](const auto& f) {
    visit_floating(x.dtype(), "unary", [&](auto v) { map<decltype(v), decltype(v)>(out, x, f); });
  });
}

void binary(Binary op, const Tensor& out, const Tensor& a, const Tensor& b) {
  visit(a.dtype(), [&](auto v) {
    using T = decltype(v);
    if (math::is_comparison(op))
      math::visit_comparison<Compute<T>>(op, [&](const auto& f) { map2<uint8_t, T>(out, a, b, f); });
    else
      math::visit_arithmetic<Compute<T>>(op, [&](const auto& f) { map2<T, T>(out, a, b, f); });
  });
}

void binary_number(Binary op, const Tensor& out, const Tensor& x, double number, bool number_first) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    using C = Compute<T>;
    const C n = number_as<C>(number);
    if (math::is_comparison(op)) {
      math::visit_comparison<C>(op, [&](const auto& f) { map<uint8_t, T>(out, x, [&](C e) { return f(e, n); }); });
    } else if (op == Binary::pow && !number_first && number == 2) {
      map<T, T>(out, x, math::Square{});
    } else if (number_first) {
      math::visit_arithmetic<C>(op, [&](const auto& f) { map<T, T>(out, x, [&](C e) { return f(n, e); }); });
    } else {
      math::visit_arithmetic<C>(op, [&](const auto& f) { map<T, T>(out, x, [&](C e) { return f(e, n); }); });
    }
  });
}

void add_scaled(const Tensor& out, const Tensor& a, const Tensor& b, double alpha) {
  visit(a.dtype(), [&](auto v) {
    using T = decltype(v);
    using C = Compute<T>;
    const C scale = number_as<C>(alpha);
    if (alpha == 1)
      map2<T, T>(out, a, b, math::Add{});
    else
      map2<T, T>(out, a, b, math::AddScaled<C>{scale});
  });
}

void where(const Tensor& out, const Tensor& condition, const Tensor& a, const Tensor& b) {
  const uint8_t* c = condition.data<uint8_t>();
  visit(out.dtype(), [&](auto v) {
    using T = decltype(v);
    T* o = out.data<T>();
    const T *p = a.data<T>(), *q = b.data<T>();
    for_each_row<4>({&out, &condition, &a, &b}, [&](const auto& at, const auto& step, int64_t n) {
      T* to = o + at[0];
      const uint8_t* mask = c + at[1];
      const T *left = p + at[2], *right = q + at[3];
      // Both sides are read before the choice: a load inside of it would keep the loop from being vectorised.
      const auto select = [&](int64_t left_step, int64_t right_step) {
        for (int64_t i = 0; i < n; ++i) {
          const T if_set = left[i * left_step], if_not = right[i * right_step];
          to[i] = mask[i] ? if_set : if_not;
        }
      };
      const bool unit = step[0] == 1 && step[1] == 1;
      if (unit && step[2] == 1 && step[3] == 1) return select(1, 1);
      if (unit && step[2] == 1 && step[3] == 0) return select(1, 0);
      if (unit && step[2] == 0 && step[3] == 1) return select(0, 1);
      for (int64_t i = 0; i < n; ++i) to[i * step[0]] = mask[i * step[1]] ? left[i * step[2]] : right[i * step[3]];
    });
  });
}

void clamp(const Tensor& out, const Tensor& x, double min, double max) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    map<T, T>(out, x, math::Clamp<Compute<T>>(min, max));
  });
}

void fill(const Tensor& x, double value) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    const T number = static_cast<T>(static_cast<Compute<T>>(value));
    T* p = x.data<T>();
    for_each_row<1>({&x}, [&](const auto& at, const auto& step, int64_t n) {
      T* row = p + at[0];
      if (step[0] == 1) {
        for (int64_t i = 0; i < n; ++i) row[i] = number;
        return;
      }
      for (int64_t i = 0; i < n; ++i) row[i * step[0]] = number;
    });
  });
}

void copy(const Tensor& destination, const Tensor& source) {
  visit(source.dtype(), [&](auto from) {
    visit(destination.dtype(),
          [&](auto to) { map<decltype(to), decltype(from)>(destination, source, [](auto e) { return e; }); });
  });
}

}  // namespace gw::kernels::cpu
