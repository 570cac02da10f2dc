#include "kernels/cpu/histogram.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// Count, mean and sum of squared deviations: two of these add up exactly (Chan, Golub and LeVeque, 1979), where sums
/// of squares would cancel.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void add(const Moments& other) {
    if (other.count == 0) return;
    const double all = count + other.count, delta = other.mean - mean;
    squares += other.squares + delta * delta * count * other.count / all;
    mean += delta * other.count / all;
    count = all;
  }
};

/// Elements that are looked at together: they stay in the first cache for the mean, the deviations and the bins.
constexpr int64_t kBlock = 1024;
/// Elements of one task. Fixed, so that results do not depend on the number of threads.
constexpr int64_t kTask = 64 * kBlock;
/// Neighbouring values tend to fall into one bin; counters of their own keep their increments from waiting in line.
constexpr int64_t kTables = 8;

Moments moments_of(const float* x, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(n);
  // The rounding error of the mean is put right by what the deviations sum to.
  float rest = 0, squares = 0;
#pragma omp simd reduction(+ : rest, squares)
  for (int64_t i = 0; i < n; ++i) {
    const float d = x[i] - mean;
    rest += d;
    squares += d * d;
  }
  const auto count = static_cast<double>(n);
  return {count, mean + rest / count, squares - static_cast<double>(rest) * rest / count};
}

/// Counts a block. Values outside go to the entry after the last bin.
void count_block(const float* x, int64_t n, const math::Bins& bins, bool absolute, int32_t* tables) {
  const int32_t table = bins.count + 1;
  int32_t place[kBlock];
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const int32_t b = math::bin_of(absolute ? std::fabs(x[i]) : x[i], bins);
    place[i] = static_cast<int32_t>(i % kTables) * table + (b < 0 ? bins.count : b);
  }
  for (int64_t i = 0; i < n; ++i) ++tables[place[i]];
}

}  // namespace

void value_statistics(const Tensor& moments, const Tensor& counts, const Tensor& x, const math::Bins& bins,
                      bool absolute) {
  const int64_t n = x.numel(), tasks = (n + kTask - 1) / kTask, table = bins.count + 1;
  std::vector<Moments> task_moments(static_cast<size_t>(tasks));
  std::vector<int64_t> task_counts(static_cast<size_t>(tasks * bins.count));
  visit_floating(x.dtype(), "value_statistics", [&](auto v) {
    using T = decltype(v);
    const T* from = x.data<T>();
    parallel_for(tasks, 1, [&](int64_t begin, int64_t end) {
      std::vector<int32_t> tables(static_cast<size_t>(kTables * table));
      for (int64_t t = begin; t < end; ++t) {
        std::fill(tables.begin(), tables.end(), 0);
        for (int64_t i = t * kTask; i < std::min(n, (t + 1) * kTask); i += kBlock) {
          const int64_t length = std::min(kBlock, n - i);
          float block[kBlock];
          for (int64_t k = 0; k < length; ++k) block[k] = static_cast<float>(from[i + k]);
          task_moments[static_cast<size_t>(t)].add(moments_of(block, length));
          count_block(block, length, bins, absolute, tables.data());
        }
        for (int64_t b = 0; b < kTables * table; ++b)
          if (b % table < bins.count)
            task_counts[static_cast<size_t>(t * bins.count + b % table)] += tables[static_cast<size_t>(b)];
      }
    });
  });

  Moments all;
  for (const Moments& m : task_moments) all.add(m);
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  float* to = moments.data<float>();
  to[0] = n > 0 ? static_cast<float>(all.mean) : kNone;
  to[1] = n > 1 ? static_cast<float>(std::sqrt(all.squares / (all.count - 1))) : kNone;
  int64_t* count = counts.data<int64_t>();
  std::fill_n(count, bins.count, 0);
  for (int64_t k = 0; k < tasks * bins.count; ++k) count[k % bins.count] += task_counts[static_cast<size_t>(k)];
}

}  // namespace gw::kernels::cpu
