// What memory holds before anybody wrote it, and how to tell that a kernel computed with it.
#pragma once

#include <bit>
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

/// True if an f32, or the second of two bf16, was computed from poison. The upper half is the same in all cases: an
/// f32 from an f32, an f32 from a bf16 (whose lower half is then zero), and a bf16.
inline bool computed_from_poison(uint32_t word) { return (word & 0x7fff0000u) == 0x7fe50000u; }

}  // namespace gw::emulator
