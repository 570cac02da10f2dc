// What memory holds before anybody wrote it, and how to tell that a kernel computed with it.
#pragma once

#include <cstdint>
#include <cstring>

namespace gw::emulator {

/// A signalling NaN, as one f32 or as two bf16. Arithmetic on it gives the same bits with the quiet bit set, which no
/// other arithmetic gives: the NaNs that processors make have no payload.
inline constexpr uint32_t kPoison = 0x7fa57fa5u;

inline void poison(void* memory, size_t bytes) {
  auto* to = static_cast<unsigned char*>(memory);
  for (size_t i = 0; i + 4 <= bytes; i += 4) std::memcpy(to + i, &kPoison, 4);
  for (size_t i = bytes / 4 * 4; i < bytes; ++i) to[i] = static_cast<unsigned char>(kPoison >> (i % 4 * 8));
}

/// True if a word is an f32 computed from poison (an f32's, or a bf16's, whose lower half is then zero), or holds two
/// bf16 computed from it, or one before a poisoned neighbour. Bytes and integers hardly ever look like that.
inline bool computed_from_poison(uint32_t word) {
  const uint32_t without_signs = word & 0x7fff7fffu;
  return without_signs == 0x7fe57fa5u || without_signs == 0x7fe50000u || without_signs == 0x7fe57fe5u ||
         without_signs == 0x7fa57fe5u;
}

}  // namespace gw::emulator
