// What many kernels are made of: 16-byte accesses, and sums over a warp or a block.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/launch.h"

namespace gw::kernels::cuda {

inline constexpr int kWarpSize = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

/// V elements that are read and written with one instruction.
template <class T, int V>
struct alignas(sizeof(T) * V) Pack {
  T at[V];
};

/// How many elements of the widest of these types fill 16 bytes, the widest access that a thread can make.
template <class... T>
inline constexpr int kPackOf = 16 / static_cast<int>(std::max({sizeof(T)...}));

/// True if a pack can be read from or written to the address.
template <class T>
bool is_aligned(const T* address, int elements) {
  return reinterpret_cast<uintptr_t>(address) % (sizeof(T) * static_cast<size_t>(elements)) == 0;
}

/// The sum over the warp's lanes, in every lane. All 32 must call it.
template <class T>
__device__ inline T warp_sum(T value) {
  for (int step = kWarpSize / 2; step > 0; step /= 2) value += __shfl_xor_sync(kAllLanes, value, step);
  return value;
}

/// The sum over a one-dimensional block of a multiple of 32 threads, in every thread. `scratch` is shared memory of one
/// T per warp. All threads must call it.
template <class T>
__device__ inline T block_sum(T value, T* scratch) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int warps = static_cast<int>(blockDim.x) / kWarpSize;
  value = warp_sum(value);
  __syncthreads();  // whoever used the scratch before has read it
  if (lane == 0) scratch[warp] = value;
  __syncthreads();
  return warp_sum(lane < warps ? scratch[lane] : T{0});
}

}  // namespace gw::kernels::cuda
