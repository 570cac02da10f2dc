#include "kernels/cpu/tile_gemm.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/range.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/tile_layout.h"

namespace gw::kernels::cpu {
namespace {

using tile::kDepth;
using tile::kElements;
using tile::kRows;

constexpr int64_t kParts = 3;
constexpr int64_t kPanel = 2 * kRows;               // rows of a, or columns of b, that are multiplied together
constexpr int64_t kChunk = kParts * 2 * kElements;  // bf16 of 32 terms of a panel: [part][tile]
constexpr int64_t kDepthBlock = 512;                // terms that are summed at a time; a panel of them takes 96 KB
constexpr int64_t kGroupBytes = 768 << 10;          // panels of b that stay in the L2 cache

/// 32 rows of 16 f32 as the three parts of an operand, paired along the rows as b is: `tile`[part].
struct Split {
  tile::Dwords rows[kParts][kRows];

  /// Row `r` of the pairs: those of terms 2 r and 2 r + 1.
  void set(int r, tile::Floats even, tile::Floats odd) {
    for (auto& part : rows) {
      const tile::Floats even_part = upper(even), odd_part = upper(odd);
      part[r] = (reinterpret_cast<tile::Dwords>(even_part) >> 16) | reinterpret_cast<tile::Dwords>(odd_part);
      even = rest(even, even_part), odd = rest(odd, odd_part);
    }
  }

  void write(bf16* to) const {
    for (int part = 0; part < kParts; ++part) tile::store_tile(rows[part], to + part * 2 * kElements);
  }

  void transpose() {
    for (auto& part : rows) tile::transpose(part);
  }

 private:
  /// The number's first 8 bits. NaN stays NaN.
  static tile::Floats upper(tile::Floats x) {
    const auto bits = reinterpret_cast<tile::Dwords>(x);
    return reinterpret_cast<tile::Floats>((x == x ? bits : bits | 0x00400000u) & 0xffff0000u);
  }
  /// What is left of it. Nothing, if it is NaN.
  static tile::Floats rest(tile::Floats x, tile::Floats part) {
    const tile::Floats left = x - part;
    return left == left ? left : tile::Floats{};
  }
};

/// An operand seen as panels: `lines` rows of a, or columns of b, that are multiplied along `terms`.
struct Lines {
  const float* data;
  int64_t line_stride, term_stride;
  int64_t lines;
  bool is_a;
};

/// A whole tile of 16 lines and 32 terms that begin at `first`.
void pack_whole_tile(const Lines& from, const float* first, bf16* to) {
  Split split;
  const bool in_order_of_a = from.term_stride == 1;  // else in that of b
  if (in_order_of_a) {
    const tile::Dwords even = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
    for (int r = 0; r < kRows; ++r, first += from.line_stride) {
      const tile::Floats low = tile::load(first), high = tile::load(first + kRows);
      split.set(r, __builtin_shuffle(low, high, even), __builtin_shuffle(low, high, even + 1));
    }
  } else {
    for (int r = 0; r < kRows; ++r, first += 2 * from.term_stride)
      split.set(r, tile::load(first), tile::load(first + from.term_stride));
  }
  if (in_order_of_a != from.is_a) split.transpose();
  split.write(to);
}

/// A tile of up to 16 lines and 32 terms, filled up with zeros.
void pack_tile(const Lines& from, int64_t line, Range terms, bf16* to) {
  const int64_t lines = std::clamp<int64_t>(from.lines - line, 0, kRows), count = terms.size();
  const float* first = from.data + line * from.line_stride + terms.begin * from.term_stride;
  if (lines == kRows && count == kDepth) return pack_whole_tile(from, first, to);
  alignas(64) float block[kRows * kDepth] = {};
  for (int64_t l = 0; l < lines; ++l)
    for (int64_t t = 0; t < count; ++t) block[l * kDepth + t] = first[l * from.line_stride + t * from.term_stride];
  pack_whole_tile({block, kDepth, 1, kRows, from.is_a}, block, to);
}

/// A panel of lines, as chunks of terms.
void pack_panel(const Lines& from, int64_t line, Range terms, bf16* to) {
  for (int64_t k = terms.begin; k < terms.end; k += kDepth, to += kChunk)
    for (int64_t t = 0; t < 2; ++t)
      pack_tile(from, line + t * kRows, {k, std::min(terms.end, k + kDepth)}, to + t * kElements);
}

template <int First, int Second>
void load_pair(const bf16* tiles) {
  tile::load<First>(tiles, tile::kRowBytes);
  tile::load<Second>(tiles + kElements, tile::kRowBytes);
}

void multiply_pairs() {
  tile::multiply_add<0, 4, 6>();
  tile::multiply_add<1, 4, 7>();
  tile::multiply_add<2, 5, 6>();
  tile::multiply_add<3, 5, 7>();
}

/// sums [32][32] = a panel of a times one of b.
void multiply_panels(const bf16* a, const bf16* b, int64_t chunks, float* sums) {
  constexpr int64_t kHigh = 0, kMiddle = 2 * kElements, kLow = 4 * kElements;
  tile::zero<0>();
  tile::zero<1>();
  tile::zero<2>();
  tile::zero<3>();
  for (int64_t i = 0; i < chunks; ++i, a += kChunk, b += kChunk) {
    load_pair<4, 5>(a + kHigh);
    load_pair<6, 7>(b + kHigh);
    multiply_pairs();
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
  constexpr int64_t kStride = kPanel * sizeof(float);
  tile::store<0>(sums, kStride);
  tile::store<1>(sums + kRows, kStride);
  tile::store<2>(sums + kRows * kPanel, kStride);
  tile::store<3>(sums + kRows * kPanel + kRows, kStride);
}

/// Where the sums of two panels go.
struct Output {
  float* c;
  int64_t row_stride, rows, columns;
  const float* bias;  // of the first column
  bool first;         // or else they are added to what is there
};

void write(const Output& out, const float* sums) {
  for (int64_t r = 0; r < out.rows; ++r, sums += kPanel) {
    float* c = out.c + r * out.row_stride;
    if (out.columns == kPanel) {
      for (int64_t i = 0; i < kPanel; i += kRows) {
        tile::Floats sum = tile::load(sums + i);
        if (!out.first) sum += tile::load(c + i);
        if (out.bias) sum += tile::load(out.bias + i);
        tile::store(c + i, sum);
      }
      continue;
    }
    for (int64_t i = 0; i < out.columns; ++i)
      c[i] = (out.first ? 0.0f : c[i]) + sums[i] + (out.bias ? out.bias[i] : 0.0f);
  }
}

void multiply_one(const MatrixProduct& p, int64_t batch) {
  const auto matrix = [&](const MatrixRef& ref) {
    return static_cast<const float*>(ref.data) + batch * ref.batch_stride;
  };
  const Lines a{matrix(p.a), p.a.row_stride, p.a.column_stride, p.m, true};
  const Lines b{matrix(p.b), p.b.column_stride, p.b.row_stride, p.n, false};
  float* c = static_cast<float*>(p.c) + batch * p.c_batch_stride;
  const int64_t a_panels = ceil_div(p.m, kPanel), b_panels = ceil_div(p.n, kPanel);
  const int64_t panel = ceil_div(std::min(p.k, kDepthBlock), kDepth) * kChunk;
  const int64_t groups =
      ceil_div(b_panels, std::max<int64_t>(1, kGroupBytes / (panel * static_cast<int64_t>(sizeof(bf16)))));
  const Scratch packed_a(a_panels * panel / 2), packed_b(b_panels * panel / 2);
  auto *a_tiles = reinterpret_cast<bf16*>(packed_a.data()), *b_tiles = reinterpret_cast<bf16*>(packed_b.data());
  const auto multiply = [&](int64_t i, int64_t j, Range terms) {
    alignas(64) float sums[kPanel * kPanel];
    multiply_panels(a_tiles + i * panel, b_tiles + j * panel, ceil_div(terms.size(), kDepth), sums);
    const bool first = terms.begin == 0;
    const int64_t row = i * kPanel, column = j * kPanel;
    write({c + row * p.c_row_stride + column, p.c_row_stride, std::min(kPanel, p.m - row),
           std::min(kPanel, p.n - column), p.bias && first ? p.bias + column : nullptr, first},
          sums);
  };
#pragma omp parallel
  {
    const tile::Registers registers;
    for (int64_t k = 0; k < p.k; k += kDepthBlock) {
      const Range terms{k, std::min(p.k, k + kDepthBlock)};
#pragma omp for schedule(static) nowait
      for (int64_t i = 0; i < a_panels; ++i) pack_panel(a, i * kPanel, terms, a_tiles + i * panel);
#pragma omp for schedule(static)
      for (int64_t j = 0; j < b_panels; ++j) pack_panel(b, j * kPanel, terms, b_tiles + j * panel);
#pragma omp for schedule(static) collapse(2)
      for (int64_t group = 0; group < groups; ++group)
        for (int64_t i = 0; i < a_panels; ++i)
          for (Range j = part(b_panels, group, groups); j.begin < j.end; ++j.begin) multiply(i, j.begin, terms);
    }
  }
}

bool is_plain(const MatrixRef& ref) {
  return ref.dtype == DType::f32 && (ref.row_stride == 1 || ref.column_stride == 1);
}

}  // namespace

bool prefers_tiles(const MatrixProduct& p) {
  constexpr int64_t kLeastSide = 192, kLeastTerms = 64;
  return tile::in_hardware() && is_plain(p.a) && is_plain(p.b) && p.c_dtype == DType::f32 && p.m >= kLeastSide &&
         p.n >= kLeastSide && p.k >= kLeastTerms;
}

void tile_gemm(const MatrixProduct& p) {
  if (p.m == 0 || p.n == 0) return;
  for (int64_t i = 0; i < p.batch; ++i) multiply_one(p, i);
}

}  // namespace gw::kernels::cpu
