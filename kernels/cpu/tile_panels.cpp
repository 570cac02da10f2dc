#include "kernels/cpu/tile_panels.h"

#include <algorithm>

#include "kernels/cpu/tile_layout.h"

namespace gw::kernels::cpu::tile {
namespace {

/// 32 rows of 16 f32 as the parts of an operand, paired along the rows as b is: `rows`[part].
template <Parts P>
struct Split {
  static constexpr int kParts = static_cast<int>(P);
  Dwords rows[kParts][kRows];

  /// Row `r` of the pairs: those of terms 2 r and 2 r + 1.
  void set(int r, Floats even, Floats odd) {
    if constexpr (P == Parts::rounded) {
      rows[0][r] = pair_up(even, odd);
      return;
    }
    for (auto& part : rows) {
      const Floats even_part = upper(even), odd_part = upper(odd);
      part[r] = (reinterpret_cast<Dwords>(even_part) >> 16) | reinterpret_cast<Dwords>(odd_part);
      even = rest(even, even_part), odd = rest(odd, odd_part);
    }
  }

  void write(bf16* to) const {
    for (int part = 0; part < kParts; ++part) store_tile(rows[part], to + part * 2 * kElements);
  }

  void transpose() {
    for (auto& part : rows) tile::transpose(part);
  }

 private:
  /// The number's first 8 bits. NaN stays NaN.
  static Floats upper(Floats x) {
    const auto bits = reinterpret_cast<Dwords>(x);
    return reinterpret_cast<Floats>((x == x ? bits : bits | 0x00400000u) & 0xffff0000u);
  }
  /// What is left of it. Nothing, if it is NaN.
  static Floats rest(Floats x, Floats part) {
    const Floats left = x - part;
    return left == left ? left : Floats{};
  }
};

/// A whole tile of 16 lines and 32 terms that begin at `first`.
template <Parts P>
void pack_whole_tile(const Lines& from, const float* first, bf16* to) {
  Split<P> split;
  const bool in_order_of_a = from.term_stride == 1;  // else in that of b
  if (in_order_of_a) {
    const Dwords even = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
    for (int r = 0; r < kRows; ++r, first += from.line_stride) {
      const Floats low = load_floats(first), high = load_floats(first + kRows);
      split.set(r, __builtin_shuffle(low, high, even), __builtin_shuffle(low, high, even + 1));
    }
  } else {
    for (int r = 0; r < kRows; ++r, first += 2 * from.term_stride)
      split.set(r, load_floats(first), load_floats(first + from.term_stride));
  }
  if (in_order_of_a != from.is_a) split.transpose();
  split.write(to);
}

/// A tile of up to 16 lines and 32 terms, filled up with zeros.
template <Parts P>
void pack_tile(const Lines& from, int64_t line, Range terms, bf16* to) {
  const int64_t lines = std::clamp<int64_t>(from.lines - line, 0, kRows), count = terms.size();
  const float* first = from.data + line * from.line_stride + terms.begin * from.term_stride;
  if (lines == kRows && count == kDepth) return pack_whole_tile<P>(from, first, to);
  alignas(64) float block[kRows * kDepth] = {};
  for (int64_t l = 0; l < lines; ++l)
    for (int64_t t = 0; t < count; ++t) block[l * kDepth + t] = first[l * from.line_stride + t * from.term_stride];
  pack_whole_tile<P>({block, kDepth, 1, kRows, from.is_a}, block, to);
}

template <int First, int Second>
void load_pair(const bf16* tiles) {
  load<First>(tiles, kRowBytes);
  load<Second>(tiles + kElements, kRowBytes);
}

void multiply_pairs() {
  multiply_add<0, 4, 6>();
  multiply_add<1, 4, 7>();
  multiply_add<2, 5, 6>();
  multiply_add<3, 5, 7>();
}

template <Parts P>
void pack_parts(const Lines& from, int64_t line, Range terms, bf16* to) {
  for (int64_t k = terms.begin; k < terms.end; k += kDepth, to += chunk_elements(P))
    for (int64_t t = 0; t < 2; ++t)
      pack_tile<P>(from, line + t * kRows, {k, std::min(terms.end, k + kDepth)}, to + t * kElements);
}

/// Adds the products of a chunk of a and one of b.
template <Parts P>
void multiply_chunk(const bf16* a, const bf16* b) {
  constexpr int64_t kHigh = 0, kMiddle = 2 * kElements, kLow = 4 * kElements;
  load_pair<4, 5>(a + kHigh);
  load_pair<6, 7>(b + kHigh);
  multiply_pairs();
  if constexpr (P == Parts::rounded) return;
  load_pair<6, 7>(b + kMiddle);
  multiply_pairs();
  load_pair<4, 5>(a + kMiddle);
  multiply_pairs();
  load_pair<6, 7>(b + kHigh);
  multiply_pairs();
  load_pair<4, 5>(a + kLow);
  multiply_pairs();
  load_pair<4, 5>(a + kHigh);
  load_pair<6, 7>(b + kLow);
  multiply_pairs();
}

template <Parts P>
void multiply_parts(const bf16* a, const bf16* b, int64_t chunks, float* sums) {
  zero<0>();
  zero<1>();
  zero<2>();
  zero<3>();
  for (int64_t i = 0; i < chunks; ++i, a += chunk_elements(P), b += chunk_elements(P)) multiply_chunk<P>(a, b);
  constexpr int64_t kStride = kPanel * sizeof(float);
  store<0>(sums, kStride);
  store<1>(sums + kRows, kStride);
  store<2>(sums + kRows * kPanel, kStride);
  store<3>(sums + kRows * kPanel + kRows, kStride);
}

}  // namespace

void pack_panel(const Lines& from, int64_t line, Range terms, Parts parts, bf16* to) {
  parts == Parts::exact ? pack_parts<Parts::exact>(from, line, terms, to)
                        : pack_parts<Parts::rounded>(from, line, terms, to);
}

void multiply_panels(const bf16* a, const bf16* b, int64_t chunks, Parts parts, float* sums) {
  parts == Parts::exact ? multiply_parts<Parts::exact>(a, b, chunks, sums)
                        : multiply_parts<Parts::rounded>(a, b, chunks, sums);
}

}  // namespace gw::kernels::cpu::tile
