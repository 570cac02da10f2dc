#include "kernels/cpu/reduce.h"

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
  Total<T> total{};
  int64_t i = 0;
  for (; i + kRun <= n; i += kRun) {
    Partial<T> lane[kLanes] = {};
    for (int64_t j = 0; j < kRun; j += kLanes)
      for (int64_t l = 0; l < kLanes; ++l) lane[l] += term(widened(x[i + j + l]), center);
    for (Partial<T> p : lane) total += p;
  }
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

template <class T>
bool is_nan(T value) {
  if constexpr (is_floating(dtype_of<T>())) return static_cast<float>(value) != static_cast<float>(value);
  return false;
}

/// True if `challenger` takes the place of `best`: strictly beyond it, or the first NaN.
template <class T>
bool beats(T challenger, T best, bool largest) {
  if (is_nan(best)) return false;
  if (is_nan(challenger)) return true;
  return largest ? challenger > best : challenger < best;
}

/// Calls visit(o, i, first) for every result, where `first` points to its first element.
template <class T, class Visit>
void for_each_result(const T* x, ReduceShape s, const Visit& visit) {
  parallel_for(s.outer * s.inner, std::max<int64_t>(1, kParallelGrain / s.reduced), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) visit(k, x + k / s.inner * s.reduced * s.inner + k % s.inner);
  });
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
    for_each_result(x.data<T>(), shape, [&](int64_t k, const T* first) {
      T best = *first;
      for (int64_t r = 1; r < shape.reduced; ++r)
        if (beats(first[r * shape.inner], best, largest)) best = first[r * shape.inner];
      o[k] = best;
    });
  });
}

void arg_extremum(const Tensor& out, const Tensor& x, ReduceShape shape, bool largest) {
  visit(x.dtype(), [&](auto v) {
    using T = decltype(v);
    int64_t* o = out.data<int64_t>();
    for_each_result(x.data<T>(), shape, [&](int64_t k, const T* first) {
      int64_t best = 0;
      for (int64_t r = 1; r < shape.reduced; ++r)
        if (beats(first[r * shape.inner], first[best * shape.inner], largest)) best = r;
      o[k] = best;
    });
  });
}

}  // namespace gw::kernels::cpu
