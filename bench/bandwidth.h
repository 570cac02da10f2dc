// The speed of copying memory, which bounds every kernel that computes little per byte.
#pragma once

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

namespace gw::bench {

/// Bytes per second, read plus written, of memcpy over 100 MB with all threads: the best of several rounds.
inline double measure_copy() {
  const int64_t n = 100'000'000;
  std::vector<char> from(static_cast<size_t>(n), 1), to(static_cast<size_t>(n));
  double best = 0;
  for (int round = 0; round < 10; ++round) {
    const auto start = std::chrono::steady_clock::now();
#pragma omp parallel
    {
      const int64_t t = omp_get_thread_num(), count = omp_get_num_threads();
      const int64_t begin = n * t / count, end = n * (t + 1) / count;
      std::memcpy(to.data() + begin, from.data() + begin, static_cast<size_t>(end - begin));
    }
    benchmark::ClobberMemory();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, 2.0 * static_cast<double>(n) / seconds.count());
  }
  return best;
}

inline double copy_bytes_per_second() {
  static const double speed = measure_copy();
  return speed;
}

/// Times f, each call of which has to move `bytes`, and reports its speed beside that of copying. One call goes before,
/// which gets the memory of the results from the system.
template <class F>
void run(benchmark::State& state, int64_t bytes, const F& f) {
  const double per_call = static_cast<double>(bytes) / copy_bytes_per_second();
  benchmark::DoNotOptimize(f());
  for (auto _ : state) benchmark::DoNotOptimize(f());
  state.SetBytesProcessed(state.iterations() * bytes);
  state.counters["of_copy"] = benchmark::Counter(per_call, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace gw::bench
