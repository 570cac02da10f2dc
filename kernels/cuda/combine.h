// Results that many threads put together: over neighbouring lanes, over a block, and over all blocks of a launch. The
// order in which parts are combined is always the same, and so is the result.
#pragma once

#include <type_traits>

#include "kernels/cuda/primitives.h"

namespace gw::kernels::cuda {

/// V elements, read through the read-only cache with one instruction. They must not be written by the same kernel; in
/// return the compiler may move the load in front of stores.
template <int V, class T>
__device__ inline Pack<T, V> load_pack(const T* address) {
  Pack<T, V> pack;
  constexpr size_t kBytes = sizeof(T) * V;
  if constexpr (kBytes % 16 == 0) {
    for (size_t i = 0; i < kBytes / 16; ++i) {
      const uint4 bits = __ldg(reinterpret_cast<const uint4*>(address) + i);
      memcpy(reinterpret_cast<char*>(&pack) + 16 * i, &bits, 16);
    }
  } else if constexpr (kBytes == 8) {
    const uint2 bits = __ldg(reinterpret_cast<const uint2*>(address));
    memcpy(&pack, &bits, 8);
  } else if constexpr (kBytes == 4) {
    const unsigned bits = __ldg(reinterpret_cast<const unsigned*>(address));
    memcpy(&pack, &bits, 4);
  } else if constexpr (kBytes == 2) {
    const unsigned short bits = __ldg(reinterpret_cast<const unsigned short*>(address));
    memcpy(&pack, &bits, 2);
  } else {
    static_assert(kBytes == 1);
    const unsigned char bits = __ldg(reinterpret_cast<const unsigned char*>(address));
    memcpy(&pack, &bits, 1);
  }
  return pack;
}

/// The value of the lane whose number differs in the bits of `step`.
template <class A>
__device__ inline A shuffle_xor(const A& value, int step) {
  if constexpr (std::is_arithmetic_v<A>) {
    return __shfl_xor_sync(kAllLanes, value, step);
  } else {
    unsigned long long words[sizeof(A) / 8];
    memcpy(words, &value, sizeof(A));
    for (auto& word : words) word = __shfl_xor_sync(kAllLanes, word, step);
    A other;
    static_assert(sizeof(A) % 8 == 0);
    memcpy(&other, words, sizeof(A));
    return other;
  }
}

/// What another block wrote: read past the first cache, which might hold what stood there before.
template <class A>
__device__ inline A load_fresh(const A* address) {
  static_assert(sizeof(A) % 8 == 0);
  unsigned long long words[sizeof(A) / 8];
  for (size_t w = 0; w < sizeof(A) / 8; ++w)
    words[w] = __ldcg(reinterpret_cast<const unsigned long long*>(address) + w);
  A value;
  memcpy(&value, words, sizeof(A));
  return value;
}

/// combine(...) of the values of `width` (a power of two) neighbouring lanes, in each of them. All 32 must call it.
template <class A, class F>
__device__ inline A lanes_combine(A value, int width, const F& combine) {
  for (int step = width / 2; step > 0; step /= 2) value = combine(value, shuffle_xor(value, step));
  return value;
}

/// The same over a one-dimensional block of a multiple of 32 threads. `scratch` is shared memory of one A per warp.
template <class A, class F>
__device__ inline A block_combine(A value, A identity, A* scratch, const F& combine) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int warps = static_cast<int>(blockDim.x) / kWarpSize;
  value = lanes_combine(value, kWarpSize, combine);
  __syncthreads();  // whoever used the scratch before has read it
  if (lane == 0) scratch[warp] = value;
  __syncthreads();
  return lanes_combine(lane < warps ? scratch[lane] : identity, kWarpSize, combine);
}

/// True, in all threads, for the block that comes here last of `blocks`: what the others wrote before is then there to
/// be read (with load_fresh). The counter goes back to zero. All threads must call it.
__device__ inline bool last_block(unsigned* counter, unsigned blocks) {
  __threadfence();
  __syncthreads();
  int last = 0;
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    last = atomicAdd(counter, 1u) == blocks - 1;
    if (last) *counter = 0;
  }
  last = __syncthreads_or(last);
  __threadfence();
  return last != 0;
}

/// Adds up N sums over all blocks of a one-dimensional launch; one thread then calls write(sums). `partial` has room
/// for N numbers a block, `scratch` is shared memory for one a warp. All threads must call it.
template <int N, class Write>
__device__ inline void grid_sum(double (&sums)[N], double* partial, unsigned* counter, double* scratch,
                                const Write& write) {
  for (double& sum : sums) sum = block_sum(sum, scratch);
  if (gridDim.x > 1) {
    if (threadIdx.x == 0)
      for (int k = 0; k < N; ++k) partial[blockIdx.x * N + k] = sums[k];
    if (!last_block(counter, gridDim.x)) return;
    for (int k = 0; k < N; ++k) {
      double total = 0;
      for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) total += load_fresh(partial + b * N + k);
      sums[k] = block_sum(total, scratch);
    }
  }
  if (threadIdx.x == 0) write(sums);
}

}  // namespace gw::kernels::cuda
