#include "kernels/cpu/elementwise.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/cpu/bf16_table.h"
#include "kernels/cpu/map.h"
#include "kernels/cpu/strided.h"
#include "kernels/math/elementwise.h"

namespace gw::kernels::cpu {
namespace {

using math::number_as;

/// The length of b's row if out = f(a, b) repeats one short row of b along dense memory, as for a value per channel;
/// else 0.
int64_t repeated_row(const Tensor& out, const Tensor& a, const Tensor& b) {
  constexpr int64_t kShort = 1024;
  if (out.numel() == 0 || !is_floating(b.dtype())) return 0;
  const IterationSpace<3> space({StridedView{out.shape(), out.strides()}, StridedView{a.shape(), a.strides()},
                                 StridedView{b.shape(), b.strides()}});
  const int64_t length = space.shape[space.shape.size() - 1];
  const Shape rows{length, 1};
  const bool repeats = space.shape.size() == 2 && length < kShort && space.strides[0] == rows &&
                       space.strides[1] == rows && space.strides[2] == Shape{0, 1};
  return repeats ? length : 0;
}

/// A row as often as it takes for a long one.
template <class T>
std::vector<T> repeated(const T* row, int64_t length) {
  constexpr int64_t kLong = 2048;
  std::vector<T> rows;
  while (static_cast<int64_t>(rows.size()) < kLong) rows.insert(rows.end(), row, row + length);
  return rows;
}

/// out[i] = f(a[i], b[i]).
template <class Out, class In, class F>
void map2(const Tensor& out, const Tensor& a, const Tensor& b, const F& f) {
  using C = Compute<In>;
  Out* o = out.data<Out>();
  const In* p = a.data<In>();
  const In* q = b.data<In>();
  const bool stream = streams(out, a, b);
  if (const int64_t length = repeated_row(out, a, b)) {
    const std::vector<In> rows = repeated(q, length);
    const auto run = static_cast<int64_t>(rows.size());
    return parallel_for(
        out.numel() / length, std::max<int64_t>(1, kParallelGrain / length), [&](int64_t r, int64_t end) {
          for (; r < end; r += run / length)
            map_run(o + r * length, std::min(run, (end - r) * length), stream, f, p + r * length, rows.data());
        });
  }
  for_each_row<3>({&out, &a, &b}, [&](const auto& at, const auto& step, int64_t n) {
    Out* z = o + at[0];
    const In *x = p + at[1], *y = q + at[2];
    if (step[0] == 1 && step[1] == 1 && step[2] == 1) {
      map_run(z, n, stream, f, x, y);
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

/// map() for a function that costs much.
template <class T, class F>
void map_costly(const Tensor& out, const Tensor& x, const F& f) {
  if constexpr (std::is_same_v<T, bf16>) {
    if (x.numel() >= Bf16Table::kWorthwhile && x.is_dense() && x.strides() == out.strides())
      return Bf16Table(f).map(out.data<bf16>(), x.data<bf16>(), x.numel(), streams(out, x));
  }
  map<T, T>(out, x, f);
}

}  // namespace

void unary(Unary op, const Tensor& out, const Tensor& x) {
  if (op == Unary::relu) return clamp(out, x, 0, std::numeric_limits<double>::infinity());
  const bool done = math::visit_any_unary(
      op, [&](const auto& f) { visit(x.dtype(), [&](auto v) { map<decltype(v), decltype(v)>(out, x, f); }); });
  if (done) return;
  math::visit_float_unary(op, [&](const auto& f) {
    visit_floating(x.dtype(), "unary", [&](auto v) { map_costly<decltype(v)>(out, x, f); });
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
  const bool stream = streams(out, a, b);
  visit(out.dtype(), [&](auto v) {
    using T = Bits<decltype(v)>;
    T* o = bits(out.data<decltype(v)>());
    const T *p = bits(a.data<decltype(v)>()), *q = bits(b.data<decltype(v)>());
    for_each_row<4>({&out, &condition, &a, &b}, [&](const auto& at, const auto& step, int64_t n) {
      T* to = o + at[0];
      const uint8_t* mask = c + at[1];
      const T *left = p + at[2], *right = q + at[3];
      const bool unit = step[0] == 1 && step[1] == 1;
      if (unit && step[2] == 1 && step[3] == 1)
        return map_run(
            to, n, stream, [](uint8_t m, T x, T y) { return m ? x : y; }, mask, left, right);
      if (unit && step[2] == 1 && step[3] == 0)
        return map_run(
            to, n, stream, [y = *right](uint8_t m, T x) { return m ? x : y; }, mask, left);
      if (unit && step[2] == 0 && step[3] == 1)
        return map_run(
            to, n, stream, [x = *left](uint8_t m, T y) { return m ? x : y; }, mask, right);
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
  const bool stream = streams(x);
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    T number = static_cast<T>(static_cast<Compute<T>>(value));
    const Bits<T> pattern = *bits(&number);
    Bits<T>* p = bits(x.data<T>());
    for_each_row<1>({&x}, [&](const auto& at, const auto& step, int64_t n) {
      Bits<T>* row = p + at[0];
      if (step[0] == 1) return map_run(row, n, stream, [pattern] { return pattern; });
      for (int64_t i = 0; i < n; ++i) row[i * step[0]] = pattern;
    });
  });
}

}  // namespace gw::kernels::cpu
