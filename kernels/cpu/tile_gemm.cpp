#include "kernels/cpu/tile_gemm.h"

#include <omp.h>

#include <algorithm>

#include "kernels/cpu/range.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/tile_layout.h"
#include "kernels/cpu/tile_panels.h"

namespace gw::kernels::cpu {
namespace {

using tile::kDepth;
using tile::kPanel;
using tile::kRows;
using tile::Lines;

constexpr tile::Parts kParts = tile::Parts::exact;
constexpr int64_t kDepthBlock = 512;        // terms that are summed at a time; a panel of them takes 96 KB
constexpr int64_t kGroupBytes = 768 << 10;  // panels of b that stay in the L2 cache

/// Where the sums of two panels go.
struct Output {
  float* c;
  int64_t row_stride, rows, columns;
  const float* bias;  // of the first column
  bool first;         // or else they are added to what is there
};

/// The lines that will be written come while the panels are multiplied.
void prefetch(const Output& out) {
  for (int64_t r = 0; r < out.rows; ++r)
    for (int64_t i = 0; i < out.columns; i += kRows) __builtin_prefetch(out.c + r * out.row_stride + i, 1);
}

void write(const Output& out, const float* sums) {
  for (int64_t r = 0; r < out.rows; ++r, sums += kPanel) {
    float* c = out.c + r * out.row_stride;
    if (out.columns == kPanel) {
      for (int64_t i = 0; i < kPanel; i += kRows) {
        tile::Floats sum = tile::load_floats(sums + i);
        if (!out.first) sum += tile::load_floats(c + i);
        if (out.bias) sum += tile::load_floats(out.bias + i);
        tile::store_floats(c + i, sum);
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
  const int64_t panel = tile::panel_elements(std::min(p.k, kDepthBlock), kParts);
  const int64_t groups =
      ceil_div(b_panels, std::max<int64_t>(1, kGroupBytes / (panel * static_cast<int64_t>(sizeof(bf16)))));
  const Scratch packed_a(a_panels * panel / 2), packed_b(b_panels * panel / 2);
  auto *a_tiles = reinterpret_cast<bf16*>(packed_a.data()), *b_tiles = reinterpret_cast<bf16*>(packed_b.data());
  const auto multiply = [&](int64_t i, int64_t j, Range terms) {
    alignas(64) float sums[kPanel * kPanel];
    const bool first = terms.begin == 0;
    const int64_t row = i * kPanel, column = j * kPanel;
    const Output out{c + row * p.c_row_stride + column,
                     p.c_row_stride,
                     std::min(kPanel, p.m - row),
                     std::min(kPanel, p.n - column),
                     p.bias && first ? p.bias + column : nullptr,
                     first};
    prefetch(out);
    tile::multiply_panels(a_tiles + i * panel, b_tiles + j * panel, ceil_div(terms.size(), kDepth), kParts, sums);
    write(out, sums);
  };
#pragma omp parallel
  {
    const tile::Registers registers;
    for (int64_t k = 0; k < p.k; k += kDepthBlock) {
      const Range terms{k, std::min(p.k, k + kDepthBlock)};
#pragma omp for schedule(static) nowait
      for (int64_t i = 0; i < a_panels; ++i) tile::pack_panel(a, i * kPanel, terms, kParts, a_tiles + i * panel);
#pragma omp for schedule(static)
      for (int64_t j = 0; j < b_panels; ++j) tile::pack_panel(b, j * kPanel, terms, kParts, b_tiles + j * panel);
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
