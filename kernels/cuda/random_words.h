// The words of the Philox stream, block by block: a thread makes the four words of a block and what follows from them.
#pragma once

#include "kernels/cuda/primitives.h"
#include "kernels/math/philox.h"
#include "tensor/random.h"

namespace gw::kernels::cuda {

/// A place in the stream that kernels read from: `state`, plus what a captured graph has moved on since (see
/// gw::cuda::random_offset).
struct RandomStream {
  PhiloxState state;
  const uint64_t* moved;

  RandomStream(PhiloxState state, Device device) : state(state), moved(gw::cuda::random_offset(device)) {}
  /// Block number `block` from this place on.
  __device__ math::PhiloxBlock block(int64_t block) const {
    const uint64_t offset = state.offset + (moved ? *moved : 0);
    return math::philox(state.seed, offset + static_cast<uint64_t>(block));
  }
};

/// Writes those of N values, which belong to `at`, that lie within [0, n); with one access if that can be.
template <class T, int N>
__device__ inline void store_values(T* out, int64_t at, int64_t n, bool aligned, const Pack<T, N>& values) {
  if (aligned && at + N <= n) {
    *reinterpret_cast<Pack<T, N>*>(out + at) = values;
    return;
  }
  for (int k = 0; k < N && at + k < n; ++k) out[at + k] = values.at[k];
}

}  // namespace gw::kernels::cuda
