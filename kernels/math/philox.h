// Philox 4x32-10: a bijection of 128-bit counters, keyed by the seed, whose outputs are random numbers (Salmon, Moraes,
// Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011). Any place of the stream can be computed on its own.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/functions.h"
#include "kernels/math/host_device.h"

namespace gw::math {

/// One block of the stream: four random words.
struct PhiloxBlock {
  uint32_t w0, w1, w2, w3;
};

/// Ten rounds of the bijection. `counter` is the place, (k0, k1) the key.
GW_HOST_DEVICE inline PhiloxBlock philox(PhiloxBlock counter, uint32_t k0, uint32_t k1) {
  PhiloxBlock c = counter;
#if defined(__CUDA_ARCH__)
#pragma unroll
#elif !defined(__CUDACC__)
#pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c.w0, p1 = uint64_t{0xCD9E8D57u} * c.w2;
    c = {static_cast<uint32_t>(p1 >> 32) ^ c.w1 ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c.w3 ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

/// Block number `block` of the stream of `seed`.
GW_HOST_DEVICE inline PhiloxBlock philox(uint64_t seed, uint64_t block) {
  return philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0}, static_cast<uint32_t>(seed),
                static_cast<uint32_t>(seed >> 32));
}

/// Uniform in [0, 1): a multiple of 2^-24, so that every value is exact in f32.
GW_HOST_DEVICE inline float uniform(uint32_t word) {
  // Through a signed integer, because not every vector unit converts unsigned ones.
  return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f;
}

/// Uniform in [0, 1) with as many bits as T holds exactly; rounding more of them could give 1.
template <class T>
GW_HOST_DEVICE float unit(uint32_t word) {
  if constexpr (sizeof(T) == 2) return static_cast<float>(static_cast<int32_t>(word >> 24)) * 0x1p-8f;
  return uniform(word);
}

/// Uniform integer in [0, range) from 64 random bits: the upper half of their product with the range. No value's
/// probability is off by more than 2^-64.
GW_HOST_DEVICE inline uint64_t uniform_integer(uint32_t high, uint32_t low, uint64_t range) {
  const uint64_t range_low = range & 0xffffffffu, range_high = range >> 32;
  const uint64_t middle = low * range_high + ((low * range_low) >> 32);
  const uint64_t carry = high * range_low + (middle & 0xffffffffu);
  return high * range_high + (middle >> 32) + (carry >> 32);
}

/// Two standard normal numbers.
struct NormalPair {
  float first, second;
};

/// Box-Muller: from a radius sqrt(-2 ln u) and an angle 2 pi v, u in (0, 1] and v in [0, 1).
GW_HOST_DEVICE inline NormalPair normal_pair(uint32_t radius_word, uint32_t angle_word) {
  const float u = static_cast<float>(static_cast<int32_t>(radius_word >> 1)) * 0x1p-31f + 0x1p-32f;
  const float radius = std::sqrt(-2.0f * math::log(u));
  // The angle as whole quarter turns and a rest of at most an eighth of a turn either way.
  const int32_t turn = static_cast<int32_t>(angle_word >> 8);
  const int32_t quarter = (turn + (1 << 21)) >> 22;
  const float x = static_cast<float>(turn - (quarter << 22)) * (6.28318530717958648f * 0x1p-24f);
  const float z = x * x;
  const float sine = x + x * z * (-1.6666654611e-1f + z * (8.3321608736e-3f - 1.9515295891e-4f * z));
  const float cosine =
      1.0f - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + 2.443315711809948e-5f * z));
  const float c = (quarter & 1) ? sine : cosine, s = (quarter & 1) ? cosine : sine;
  const float signed_c = ((quarter + 1) & 2) ? -c : c, signed_s = (quarter & 2) ? -s : s;
  return {radius * signed_c, radius * signed_s};
}

}  // namespace gw::math
