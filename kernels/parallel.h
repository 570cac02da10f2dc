// Splitting work over the cores.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace gw::kernels {

/// Below this many elements a parallel region costs more than it saves.
inline constexpr int64_t kParallelGrain = 16384;

/// Calls body(begin, end) on disjoint parts of [0, n), on as many threads as parts of at least `grain` need. The split
/// depends only on n, grain and the number of threads, so results repeat.
template <class Body>
void parallel_for(int64_t n, int64_t grain, const Body& body) {
  const int64_t wanted = (n + grain - 1) / std::max<int64_t>(grain, 1);
  const int threads = static_cast<int>(std::min<int64_t>(omp_get_max_threads(), wanted));
  if (threads <= 1 || omp_in_parallel()) {
    if (n > 0) body(int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const int64_t t = omp_get_thread_num(), count = omp_get_num_threads();
    const int64_t begin = n * t / count, end = n * (t + 1) / count;
    if (begin < end) body(begin, end);
  }
}

}  // namespace gw::kernels
