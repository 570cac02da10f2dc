// A tile takes 64 or 128 bytes out of each of 16 or 32 rows of the weight, which lie kilobytes apart. So longer pieces
// of the rows are rounded into a copy that stays in the cache, one after the other from end to end, and tiles are made
// from that.
#include "kernels/cpu/tile_weights.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/bf16_round.h"
#include "kernels/cpu/tile_layout.h"

namespace gw::kernels::cpu {
namespace {

using tile::kDepth;
using tile::kRows;

/// Rows of bf16 for one thread. From row to row it is an odd number of lines, so that rows do not share cache sets.
class RoundedRows {
 public:
  RoundedRows(int64_t rows, int64_t elements)
      : stride_((ceil_div(elements, kDepth) | 1) * kDepth), memory_(rows * stride_ / 2) {}

  int64_t stride() const { return stride_; }
  bf16* row(int64_t i) const { return reinterpret_cast<bf16*>(memory_.data()) + i * stride_; }

 private:
  int64_t stride_;
  Scratch memory_;
};

/// to[i] = from[i] for i < count, and zeros up to `padded`.
void round_padded(const float* from, int64_t count, bf16* to, int64_t padded) {
  round_run(to, from, count);
  std::fill(to + count, to + padded, bf16(0.0f));
}

/// 32 rows of the panels, or fewer at the end of a run.
struct Chunk {
  int64_t row, rows, index;
};

std::vector<Chunk> chunks_of(const TilePlan& plan) {
  std::vector<Chunk> chunks;
  for (const TilePlan::Run& run : plan.runs)
    for (int64_t i = 0; i < run.chunks(); ++i)
      chunks.push_back({run.row + i * kDepth, std::min<int64_t>(kDepth, run.length - i * kDepth), run.first_chunk + i});
  return chunks;
}

}  // namespace

void pack_forward(const ConvShape& s, const float* w, const Panels& panels) {
  const TilePlan& plan = panels.plan;
#pragma omp parallel
  {
    const RoundedRows rounded(kRows, plan.pixel);  // a run has room in a pixel of a spread image
#pragma omp for schedule(static)
    for (int64_t group = 0; group < panels.columns() / kRows; ++group) {
      for (const TilePlan::Run& run : plan.runs) {
        for (int64_t c = 0; c < kRows; ++c) {
          const int64_t column = group * kRows + c;
          const float* weights = w + column * s.taps() * s.in_c;
          round_padded(weights + run.row, column < s.out_c ? run.length : 0, rounded.row(c), run.chunks() * kDepth);
        }
        for (int64_t i = 0; i < run.chunks(); ++i)
          tile::pack_b_transposed(rounded.row(0) + i * kDepth, rounded.stride(),
                                  panels.tile(run.first_chunk + i, group));
      }
    }
  }
}

void pack_backward(const ConvShape& s, const float* w, const Panels& panels) {
  const auto weights_of_row = [&, &order = panels.plan.tap_order](int64_t row) {
    const int64_t out = row % s.out_c, tap = row / s.out_c;
    const int64_t source_tap = tap / s.kernel_w * s.kernel_w + order[static_cast<size_t>(tap % s.kernel_w)];
    return w + (out * s.taps() + source_tap) * s.in_c;
  };
  // In the order of memory: where one chunk ends in the weight's rows, the next begins.
  std::vector<Chunk> chunks = chunks_of(panels.plan);
  std::sort(chunks.begin(), chunks.end(),
            [&](const Chunk& a, const Chunk& b) { return weights_of_row(a.row) < weights_of_row(b.row); });
#pragma omp parallel
  {
    const RoundedRows rounded(kDepth, panels.columns());
#pragma omp for schedule(static)
    for (const Chunk& chunk : chunks) {
      for (int64_t r = 0; r < kDepth; ++r) {
        const bool exists = r < chunk.rows;
        round_padded(exists ? weights_of_row(chunk.row + r) : w, exists ? s.in_c : 0, rounded.row(r), panels.columns());
      }
      for (int64_t group = 0; group < panels.columns() / kRows; ++group)
        tile::pack_b(rounded.row(0) + group * kRows, rounded.stride(), panels.tile(chunk.index, group));
    }
  }
}

}  // namespace gw::kernels::cpu
