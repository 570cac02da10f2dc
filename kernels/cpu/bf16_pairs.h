// bf16 two at a time, as the halves of a 32-bit word. Widening and rounding then stay within their lanes, where loops
// over single bf16 spend more on spreading and packing them than on the arithmetic.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "tensor/dtype.h"

namespace gw::kernels::cpu {

struct FloatPair {
  float first, second;
};

inline FloatPair load_pair(const bf16* p) {
  static_assert(std::endian::native == std::endian::little);
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return {std::bit_cast<float>(word << 16), std::bit_cast<float>(word & 0xffff0000u)};
}

/// The bits of `value` rounded to bf16, as its constructor does, in the upper half; what is left in the lower one has
/// no meaning.
inline uint32_t rounded_to_upper_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u), quiet_nan = bits | 0x00400000u;
  return value != value ? quiet_nan : rounded;
}

inline void store_pair(bf16* p, FloatPair v) {
  const uint32_t word = (rounded_to_upper_half(v.first) >> 16) | (rounded_to_upper_half(v.second) & 0xffff0000u);
  std::memcpy(p, &word, sizeof word);
}

}  // namespace gw::kernels::cpu
