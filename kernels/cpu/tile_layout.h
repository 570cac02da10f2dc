// From matrices in memory to the operands of tile multiplication (tile_registers.h), which are bf16 in an order of
// their own.
#pragma once

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <cstdint>
#include <cstring>

#include "kernels/cpu/tile_registers.h"

// Vectors of 512 bits are passed between functions of one file only: how processors without them would pass those
// between libraries does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace gw::kernels::cpu::tile {

// A tile is 16 vectors of 16 dwords, each a pair of bf16.
typedef uint32_t Dwords __attribute__((vector_size(kRowBytes)));
typedef uint16_t Words __attribute__((vector_size(kRowBytes / 2)));
typedef float Floats __attribute__((vector_size(kRowBytes)));

// One vector at a time: an array of them would be copied in halves, and loading a whole after storing its halves
// stalls.
inline Floats load_floats(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}
inline void store_floats(float* to, Floats values) { std::memcpy(to, &values, sizeof values); }
inline void copy_line(const bf16* from, bf16* to) {
  Dwords line;
  std::memcpy(&line, from, sizeof line);
  std::memcpy(to, &line, sizeof line);
}

/// Copies the elements whose bits are set and fills the line up with zeros; others are not touched, so that they may
/// lie outside of any memory.
inline void copy_part(const bf16* from, uint32_t used, bf16* to) {
#if defined(__AVX512BW__)
  _mm512_storeu_si512(to, _mm512_maskz_loadu_epi16(used, from));
#else
  for (int i = 0; i < kDepth; ++i) to[i] = used >> i & 1u ? from[i] : bf16(0.0f);
#endif
}

/// The bits of f32 numbers rounded to bf16, as its constructor does, in the upper halves.
inline Dwords round_upper(Floats values) {
  const Dwords bits = reinterpret_cast<Dwords>(values);
  return values == values ? bits + 0x7fffu + ((bits >> 16) & 1u) : bits | 0x00400000u;
}

/// Pairs of f32 numbers, rounded.
inline Dwords pair_up(Floats first, Floats second) {
  return (round_upper(first) >> 16) | (round_upper(second) & 0xffff0000u);
}

/// Row r, dword c of the result is row c, dword r of `rows`.
inline void transpose(Dwords (&rows)[kRows]) {
  const Dwords lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#pragma GCC unroll 4
  for (uint32_t step = kRows / 2; step > 0; step /= 2) {
    // Of two rows `step` apart, exchange the lanes that are `step` apart; lanes of the second row count from 16.
    const Dwords in_upper = (lane & step) / step;
    const Dwords first = lane + in_upper * (16 - step), second = lane + step + in_upper * (16 - step);
#pragma GCC unroll 16
    for (uint32_t r = 0; r < kRows; ++r) {
      if (r & step) continue;
      const Dwords a = rows[r], b = rows[r + step];
      rows[r] = __builtin_shuffle(a, b, first);
      rows[r + step] = __builtin_shuffle(a, b, second);
    }
  }
}

inline Dwords widen(Words words) {
#if defined(__AVX512F__)
  // One instruction, where GCC 12 makes three of the conversion below; and it takes the unmasked form for
  // uninitialised.
  return reinterpret_cast<Dwords>(_mm512_maskz_cvtepu16_epi32(0xffff, reinterpret_cast<__m256i>(words)));
#else
  return __builtin_convertvector(words, Dwords);
#endif
}

/// Pairs 16 of the bf16 at `even` with those at `odd`.
inline Dwords interleave(const bf16* even, const bf16* odd) {
  Words low, high;
  std::memcpy(&low, even, sizeof low);
  std::memcpy(&high, odd, sizeof high);
  return widen(low) | (widen(high) << 16);
}

/// Row by row, so that the rows go from their registers to memory: to copy the array as a whole, GCC puts it into memory
/// first.
inline void store_tile(const Dwords (&rows)[kRows], bf16* tile) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) std::memcpy(tile + r * kDepth, &rows[r], sizeof rows[r]);
}

/// The operand b of the transpose of a matrix of 16 rows of 32 bf16, `stride` apart.
inline void pack_b_transposed(const bf16* rows, int64_t stride, bf16* tile) {
  Dwords pairs[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) std::memcpy(&pairs[r], rows + r * stride, sizeof pairs[r]);
  transpose(pairs);
  store_tile(pairs, tile);
}

/// The operand b of a matrix of 32 rows of 16 bf16, `stride` apart.
inline void pack_b(const bf16* rows, int64_t stride, bf16* tile) {
  for (int r = 0; r < kRows; ++r) {
    const Dwords pairs = interleave(rows + 2 * r * stride, rows + (2 * r + 1) * stride);
    std::memcpy(tile + r * kDepth, &pairs, sizeof pairs);
  }
}

/// The operand a of the transpose of such a matrix.
inline void pack_a_transposed(const bf16* rows, int64_t stride, bf16* tile) {
  Dwords pairs[kRows];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) pairs[r] = interleave(rows + 2 * r * stride, rows + (2 * r + 1) * stride);
  transpose(pairs);
  store_tile(pairs, tile);
}

}  // namespace gw::kernels::cpu::tile
