#include "kernels/cpu/reduce.h"

#include <bit>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

template <class T>
using Partial = std::conditional_t<is_floating(dtype_of<T>()), float, int64_t>;
template <class T>
using Total = std::conditional_t<is_floating(dtype_of<T>()), double, int64_t>;

/// Elements that one f32 partial sum takes before it goes into the double: few enough that rounding stays small.
constexpr int64_t kRun = 256;
/// Likewise for the rows that one partial sum of a column takes (a run's 256 elements go to 32 lanes, 8 each).
constexpr int64_t kRowRun = 32;
/// Elements that one task of a long reduction takes. Fixed, so that results do not depend on the number of threads.
constexpr int64_t kTask = int64_t{1} << 16;

template <class T>
Partial<T> widened(T value) {
  return static_cast<Partial<T>>(value);
}

struct Identity {
  template <class P>
  P operator()(P x, double) const {
    return x;
  }
};
/// The mean is rounded to f32 here; its rounding error is corrected by nobody, but enters only squared.
struct SquaredDeviation {
  float operator()(float x, double mean) const {
    const float d = x - static_cast<float>(mean);
    return d * d;
  }
};

/// Sum of term(x[i]) over contiguous elements.
template <class T, class Term>
Total<T> sum_run(const T* x, int64_t n, double center, const Term& term) {
  constexpr int64_t kLanes = 32;
  Total<T> lane_totals[kLanes] = {};  // added up only at the end: a chain of additions for every run would be slow
  int64_t i = 0;
  for (; i + kRun <= n; i += kRun) {
    Partial<T> lane[kLanes] = {};
    for (int64_t j = 0; j < kRun; j += kLanes)
      for (int64_t l = 0; l < kLanes; ++l) lane[l] += term(widened(x[i + j + l]), center);
    for (int64_t l = 0; l < kLanes; ++l) lane_totals[l] += lane[l];
  }
  Total<T> total{};
  for (const Total<T> t : lane_totals) total += t;
  for (; i < n; ++i) total += term(widened(x[i]), center);
  return total;
}

/// total[c] += sum over `rows` rows of term(x[row, c]) for the columns from `first` to `last` of `columns`.
template <class T, class Term>
void sum_columns(const T* x, int64_t rows, int64_t columns, int64_t first, int64_t last, const double* center,
                 Total<T>* total, const Term& term) {
  constexpr int64_t kStrip = 64;
  for (int64_t c0 = first; c0 < last; c0 += kStrip) {
    const int64_t width = std::min(kStrip, last - c0);
    for (int64_t r0 = 0; r0 < rows; r0 += kRowRun) {
      const int64_t end = std::min(rows, r0 + kRowRun);
      Partial<T> lane[kStrip] = {};
      for (int64_t r = r0; r < end; ++r) {
        const T* row = x + r * columns + c0;
        for (int64_t c = 0; c < width; ++c) lane[c] += term(widened(row[c]), center ? center[c0 + c] : 0.0);
      }
      for (int64_t c = 0; c < width; ++c) total[c0 + c] += lane[c];
    }
  }
}

/// Sums over rows so wide that tasks take columns: each sum then has one owner, and nothing is left to be added.
template <class T, class Term>
std::vector<Total<T>> totals_of_wide_rows(const T* x, ReduceShape s, const std::vector<double>& centers,
                                          const Term& term) {
  constexpr int64_t kColumns = 512;
  const int64_t strips = (s.inner + kColumns - 1) / kColumns;
  std::vector<Total<T>> totals(static_cast<size_t>(s.outer * s.inner));
  const int64_t work = std::max<int64_t>(1, s.reduced * kColumns);
  parallel_for(s.outer * strips, std::max<int64_t>(1, kParallelGrain / work), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t o = task / strips, first = task % strips * kColumns;
      const double* center = centers.empty() ? nullptr : centers.data() + o * s.inner;
      sum_columns(x + o * s.reduced * s.inner, s.reduced, s.inner, first, std::min(s.inner, first + kColumns), center,
                  totals.data() + o * s.inner, term);
    }
  });
  return totals;
}

/// Sums of term(x) as totals[outer * inner]. Long reductions are cut into tasks whose totals are added in order.
template <class T, class Term>
std::vector<Total<T>> totals_of(const T* x, ReduceShape s, const std::vector<double>& centers, const Term& term) {
  constexpr int64_t kWideRow = 4096;
  if (s.inner >= kWideRow) return totals_of_wide_rows(x, s, centers, term);
  const int64_t rows_per_task = std::max<int64_t>(1, kTask / s.inner);
  const int64_t tasks_each = std::max<int64_t>(1, (s.reduced + rows_per_task - 1) / rows_per_task);
  const int64_t tasks = s.outer * tasks_each;
  std::vector<Total<T>> partial(static_cast<size_t>(tasks * s.inner));
  const int64_t work = std::max<int64_t>(1, std::min(s.reduced, rows_per_task) * s.inner);
  parallel_for(tasks, std::max<int64_t>(1, kParallelGrain / work), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t o = task / tasks_each, first = task % tasks_each * rows_per_task;
      const int64_t rows = std::min(rows_per_task, s.reduced - first);
      const T* start = x + (o * s.reduced + first) * s.inner;
      const double* center = centers.empty() ? nullptr : centers.data() + o * s.inner;
      Total<T>* total = partial.data() + task * s.inner;
      if (s.inner == 1)
        *total = sum_run(start, rows, center ? *center : 0.0, term);
      else
        sum_columns(start, rows, s.inner, 0, s.inner, center, total, term);
    }
  });
  if (tasks_each == 1) return partial;
  std::vector<Total<T>> totals(static_cast<size_t>(s.outer * s.inner));
  for (int64_t task = 0; task < tasks; ++task)
    for (int64_t i = 0; i < s.inner; ++i)
      totals[static_cast<size_t>(task / tasks_each * s.inner + i)] += partial[static_cast<size_t>(task * s.inner + i)];
  return totals;
}

/// Float bits as a whole number that orders as the floats do, both zeros alike.
template <class Key>
Key ordered(Key bits) {
  constexpr Key kMax = std::numeric_limits<Key>::max(), kMin = std::numeric_limits<Key>::min();
  const Key number = bits == kMin ? Key{0} : bits;
  return static_cast<Key>(number ^ ((number < 0 ? Key{-1} : Key{0}) & kMax));  // negative floats count backwards
}

/// A whole number that orders as the elements of T do, or if not `largest` the other way round, with NaN above all.
/// Unlike floats with NaN, whole numbers have a maximum that compilers vectorise.
template <class T>
auto order_key(T value, bool largest) {
  if constexpr (std::is_same_v<T, float>) {
    const int32_t key = ordered(std::bit_cast<int32_t>(value)) ^ (largest ? 0 : -1);
    return value != value ? std::numeric_limits<int32_t>::max() : key;
  } else if constexpr (std::is_same_v<T, bf16>) {
    const auto key = static_cast<int16_t>(ordered(static_cast<int16_t>(value.bits)) ^ (largest ? 0 : -1));
    return (value.bits & 0x7fff) > 0x7f80 ? std::numeric_limits<int16_t>::max() : key;
  } else {
    using Key = std::conditional_t<std::is_same_v<T, uint8_t>, int16_t, T>;
    return static_cast<Key>(static_cast<Key>(value) ^ (largest ? Key{0} : Key{-1}));
  }
}

template <class T>
using OrderKey = decltype(order_key(T{}, true));

/// The greatest key of a line or column, and which of its elements has it first.
template <class T>
struct Best {
  OrderKey<T> key;
  int64_t at;
};

/// Of n > 0 contiguous elements.
template <class T>
Best<T> best_of_line(const T* x, int64_t n, bool largest) {
  constexpr int64_t kBlock = 1024;  // the greatest is looked for first; where it lies, only in the block that has it
  Best<T> best{std::numeric_limits<OrderKey<T>>::min(), -1};
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    OrderKey<T> greatest = std::numeric_limits<OrderKey<T>>::min();
    const int64_t end = std::min(n, begin + kBlock);
#pragma omp simd reduction(max : greatest)
    for (int64_t i = begin; i < end; ++i) {
      const OrderKey<T> key = order_key(x[i], largest);
      greatest = key > greatest ? key : greatest;
    }
    if (best.at < 0 || greatest > best.key) best = {greatest, begin};
  }
  const T* block = x + best.at;
  auto first = static_cast<OrderKey<T>>(kBlock);
#pragma omp simd reduction(min : first)
  for (int64_t i = 0; i < std::min(kBlock, n - best.at); ++i) {
    const auto place = static_cast<OrderKey<T>>(order_key(block[i], largest) == best.key ? i : kBlock);
    first = place < first ? place : first;
  }
  return {best.key, best.at + first};
}

/// Of each of `columns` columns of `rows` rows, which are `stride` elements apart.
template <class T>
void best_of_columns(const T* x, int64_t rows, int64_t stride, int64_t columns, bool largest, Best<T>* best) {
  using Wide = std::conditional_t<sizeof(OrderKey<T>) == 8, int64_t, int32_t>;  // keys and positions of one width
  constexpr int64_t kStrip = 64;
  for (int64_t c0 = 0; c0 < columns; c0 += kStrip) {
    const int64_t width = std::min(kStrip, columns - c0);
    Wide key[kStrip], at[kStrip] = {};
    for (int64_t c = 0; c < width; ++c) key[c] = order_key(x[c0 + c], largest);
    for (int64_t r = 1; r < rows; ++r) {
      const T* row = x + r * stride + c0;
      for (int64_t c = 0; c < width; ++c) {
        const Wide challenger = order_key(row[c], largest);
        at[c] = challenger > key[c] ? static_cast<Wide>(r) : at[c];
        key[c] = challenger > key[c] ? challenger : key[c];
      }
    }
    for (int64_t c = 0; c < width; ++c) best[c0 + c] = {static_cast<OrderKey<T>>(key[c]), at[c]};
  }
}

/// Calls finish(index of the result, position of its element) for every result, in parallel. Long reductions are cut
/// into parts, whose results are compared in order; rows too wide for that are cut into columns.
template <class T, class Finish>
void for_each_extremum(const T* x, ReduceShape s, bool largest, const Finish& finish) {
  constexpr int64_t kWideRow = 4096, kColumns = 512;
  const bool wide = s.inner >= kWideRow;
  const int64_t rows_each = wide ? s.reduced : std::max<int64_t>(1, kTask / s.inner);
  const int64_t columns_each = wide ? kColumns : s.inner;
  const int64_t parts = (s.reduced + rows_each - 1) / rows_each, strips = (s.inner + columns_each - 1) / columns_each;
  if (s.inner == 1 && parts == 1) {  // often many short lines, for which what follows would be slow
    return parallel_for(s.outer, std::max<int64_t>(1, kParallelGrain / s.reduced), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) finish(o, best_of_line(x + o * s.reduced, s.reduced, largest).at);
    });
  }
  std::vector<Best<T>> partial(static_cast<size_t>(parts > 1 ? s.outer * parts * s.inner : 0));
  const int64_t work = std::min(s.reduced, rows_each) * columns_each;
  parallel_for(s.outer * parts * strips, std::max<int64_t>(1, kParallelGrain / work), [&](int64_t begin, int64_t end) {
    std::vector<Best<T>> own(static_cast<size_t>(parts > 1 ? 0 : columns_each));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t o = task / strips / parts, first_row = task / strips % parts * rows_each;
      const int64_t first_column = task % strips * columns_each;
      const int64_t rows = std::min(rows_each, s.reduced - first_row);
      const int64_t columns = std::min(columns_each, s.inner - first_column);
      const T* block = x + (o * s.reduced + first_row) * s.inner + first_column;
      Best<T>* best = parts > 1 ? partial.data() + task / strips * s.inner + first_column : own.data();
      if (s.inner == 1)
        *best = best_of_line(block, rows, largest);
      else
        best_of_columns(block, rows, s.inner, columns, largest, best);
      for (int64_t c = 0; parts == 1 && c < columns; ++c) finish(o * s.inner + first_column + c, best[c].at);
    }
  });
  for (int64_t i = 0; parts > 1 && i < s.outer * s.inner; ++i) {
    const Best<T>* first = partial.data() + i / s.inner * parts * s.inner + i % s.inner;
    int64_t winner = 0;
    for (int64_t p = 1; p < parts; ++p)
      if (first[p * s.inner].key > first[winner * s.inner].key) winner = p;
    finish(i, winner * rows_each + first[winner * s.inner].at);
  }
}

}  // namespace

void sum(const Tensor& out, const Tensor& x, ReduceShape shape, double scale) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    const auto totals = totals_of(x.data<T>(), shape, {}, Identity{});
    if constexpr (is_floating(dtype_of<T>())) {
      T* o = out.data<T>();
      for (size_t i = 0; i < totals.size(); ++i) o[i] = static_cast<T>(static_cast<float>(totals[i] * scale));
    } else {
      std::copy(totals.begin(), totals.end(), out.data<int64_t>());
    }
  });
}

void sum_squared_deviations(const Tensor& out, const Tensor& x, ReduceShape shape, double scale) {
  visit_floating(x.dtype(), "var", [&](auto v) {
    using T = decltype(v);
    std::vector<double> means = totals_of(x.data<T>(), shape, {}, Identity{});
    for (double& m : means) m /= static_cast<double>(shape.reduced);
    const auto totals = totals_of(x.data<T>(), shape, means, SquaredDeviation{});
    T* o = out.data<T>();
    for (size_t i = 0; i < totals.size(); ++i) o[i] = static_cast<T>(static_cast<float>(totals[i] * scale));
  });
}

void extremum(const Tensor& out, const Tensor& x, ReduceShape shape, bool largest) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* o = out.data<T>();
    const T* in = x.data<T>();
    for_each_extremum(in, shape, largest, [=](int64_t i, int64_t at) {
      o[i] = in[(i / shape.inner * shape.reduced + at) * shape.inner + i % shape.inner];
    });
  });
}

void arg_extremum(const Tensor& out, const Tensor& x, ReduceShape shape, bool largest) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    int64_t* o = out.data<int64_t>();
    for_each_extremum(x.data<T>(), shape, largest, [=](int64_t i, int64_t at) { o[i] = at; });
  });
}

}  // namespace gw::kernels::cpu
