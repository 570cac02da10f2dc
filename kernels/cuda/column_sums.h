// Two sums for each column of rows, as norms need them: over a thread's rows, a block's, and the blocks of a launch.
#pragma once

#include "kernels/cuda/pack_rows.h"

namespace gw::kernels::cuda {

/// More than one pack, loaded together.
template <class T, int V, int N>
struct Packs {
  Pack<T, V> at[N];
};

template <int V, class T>
__device__ inline Pack<T, V> load(const T* address) {
  return *reinterpret_cast<const Pack<T, V>*>(address);
}

/// Adds up first[k] and second[k] of the threads that share a column, into those of the block's first row.
template <int V>
__device__ inline void sum_columns(float (&first)[V], float (&second)[V]) {
  float2* shared = shared_memory<float2>();
  const unsigned width = blockDim.x, height = blockDim.y, x = threadIdx.x, y = threadIdx.y;
  unsigned half = 1;
  while (2 * half < height) half *= 2;
  for (; half > 0; half /= 2) {
    if (y >= half && y < 2 * half)
#pragma unroll
      for (int k = 0; k < V; ++k)
        shared[((y - half) * V + static_cast<unsigned>(k)) * width + x] = make_float2(first[k], second[k]);
    __syncthreads();
    if (y < half && y + half < height)
#pragma unroll
      for (int k = 0; k < V; ++k) {
        const float2 other = shared[(y * V + static_cast<unsigned>(k)) * width + x];
        first[k] += other.x;
        second[k] += other.y;
      }
    __syncthreads();
  }
}

/// Shared memory of sum_columns: what the upper half of the threads hand down.
inline size_t sum_bytes(const RowLaunch& r, int pack) { return size_t{r.block.x} * r.block.y * sizeof(float2) * pack; }

/// Where a block leaves the two sums of lane j * V + k: the blocks of a lane lie side by side.
template <int V>
__device__ inline float2& partial_at(float2* partial, int column, int k) {
  return partial[static_cast<int64_t>(column * V + k) * gridDim.x + blockIdx.x];
}

/// A count, a mean, and the sum of squared distances from it.
struct CountedMoments {
  double n, mean, squares;

  /// Those of two sets together (Chan et al. 1979).
  __device__ CountedMoments operator+(const CountedMoments& o) const {
    const double both = n + o.n;
    if (both == 0) return *this;
    const double delta = o.mean - mean, share = o.n / both;
    return {both, mean + delta * share, squares + o.squares + delta * delta * n * share};
  }
};

/// The moments of all lanes of a warp, in lane 0. All 32 must call it.
__device__ inline CountedMoments warp_total(CountedMoments total) {
  for (int step = kWarpSize / 2; step > 0; step /= 2)
    total = total + CountedMoments{__shfl_down_sync(kAllLanes, total.n, step),
                                   __shfl_down_sync(kAllLanes, total.mean, step),
                                   __shfl_down_sync(kAllLanes, total.squares, step)};
  return total;
}

}  // namespace gw::kernels::cuda
