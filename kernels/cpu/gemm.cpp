// The plain matrix product: b is packed into panels, a goes through in tiles of rows, K in blocks that keep a panel in
// L2.
#include "kernels/cpu/gemm.h"

#include <omp.h>

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/panel.h"
#include "kernels/cpu/range.h"
#include "kernels/cpu/row_tile.h"
#include "kernels/cpu/scratch.h"

namespace gw::kernels::cpu {
namespace {

constexpr int64_t kDepthBlock = 2048;             // rows of b at a time: a panel of them takes 256 KB
constexpr int64_t kPackedBlockFloats = 4 << 20;   // 16 MB of packed panels at a time
constexpr int64_t kPanelGroupFloats = 128 << 10;  // 512 KB of panels that stay in L2 while the rows of a pass
constexpr int64_t kParallelFlops = 200'000;       // below this, waking the threads costs more than it saves

// Rows of a, from column depth.begin, as contiguous floats [rows][stride].
template <class T>
void pack_rows(const T* a, const MatrixRef& ref, Range rows, Range depth, int64_t stride, float* to) {
  if (ref.column_stride == 1) {
    for (int64_t r = rows.begin; r < rows.end; ++r, to += stride)
      convert(a + r * ref.row_stride + depth.begin, to, depth.size());
    return;
  }
  for (int64_t k = depth.begin; k < depth.end; ++k)
    for (int64_t r = rows.begin; r < rows.end; ++r)
      to[(r - rows.begin) * stride + k - depth.begin] =
          static_cast<float>(a[r * ref.row_stride + k * ref.column_stride]);
}

template <class T>
const T* matrix(const MatrixRef& ref, int64_t batch) {
  return static_cast<const T*>(ref.data) + batch * ref.batch_stride;
}

/// One matrix product with an output of type T, in blocks of columns and depth.
template <class T>
class Gemm {
 public:
  Gemm(const MatrixProduct& p, int64_t batch)
      : p_(p), batch_(batch), width_(panel_width(p.n)), vectors_(panel_vectors(p.n)) {
    threads_ = 2 * p.m * p.n * p.k < kParallelFlops ? 1 : omp_get_max_threads();
    depth_ = std::clamp<int64_t>(p.k, 1, kDepthBlock);
    const int64_t panels = ceil_div(p.n, width_);
    block_panels_ = std::clamp<int64_t>(kPackedBlockFloats / (depth_ * width_), 1, panels);
    // Threads share the rows; where these are few, they share the panels too.
    const int64_t tiles = row_tile_count(p.m);
    const int64_t fair = ceil_div(block_panels_, ceil_div(2 * threads_, tiles));
    group_ = std::clamp<int64_t>(kPanelGroupFloats / (depth_ * width_), 1, fair);
    direct_a_ = p.a.dtype == DType::f32 && p.a.column_stride == 1;
    row_stride_ = direct_a_ ? p.a.row_stride : (ceil_div(depth_, 16) | 1) * 16;
  }

  void run() {
    const Scratch panels(block_panels_ * depth_ * width_), rows(direct_a_ ? 0 : threads_ * kTileRows * row_stride_),
        bias(p_.bias ? ceil_div(p_.n, width_) * width_ : 0);
    // Sums over several blocks of the depth must not be rounded in between.
    const Scratch partial(p_.k > kDepthBlock && !std::is_same_v<T, float> ? p_.m * p_.n : 0);
    if (p_.bias) {
      std::copy_n(p_.bias, p_.n, bias.data());
      std::fill(bias.data() + p_.n, bias.data() + ceil_div(p_.n, width_) * width_, 0.0f);
    }
    panels_ = panels.data(), rows_ = rows.data(), partial_ = partial.data(), bias_ = p_.bias ? bias.data() : nullptr;
    for (int64_t k = 0; k == 0 || k < p_.k; k += depth_)
      for (int64_t panel = 0; panel * width_ < p_.n; panel += block_panels_)
        run_block({k, std::min(p_.k, k + depth_)}, panel);
  }

 private:
  void run_block(Range depth, int64_t first_panel) {
    const int64_t panels = std::min(block_panels_, ceil_div(p_.n, width_) - first_panel);
    const int64_t tiles = row_tile_count(p_.m), groups = ceil_div(panels, group_);
#pragma omp parallel num_threads(static_cast <int>(threads_)) if (threads_ > 1)
    {
#pragma omp for schedule(static)
      for (int64_t i = 0; i < panels; ++i) pack(depth, first_panel + i, panels_ + i * depth.size() * width_);
#pragma omp for schedule(static)
      for (int64_t task = 0; task < groups * tiles; ++task) {
        const int64_t group = task / tiles, tile = task % tiles;
        const Range rows = part(p_.m, tile, tiles);
        run_tile(depth, rows, first_panel, {group * group_, std::min(panels, (group + 1) * group_)});
      }
    }
  }

  void pack(Range depth, int64_t panel, float* to) const {
    const int64_t column = panel * width_, columns = std::min(width_, p_.n - column);
    if (p_.b.dtype == DType::f32)
      pack_panel(matrix<float>(p_.b, batch_), p_.b, depth, column, columns, width_, to);
    else
      pack_panel(matrix<bf16>(p_.b, batch_), p_.b, depth, column, columns, width_, to);
  }

  const float* rows_of_a(Range rows, Range depth) const {
    if (direct_a_) return matrix<float>(p_.a, batch_) + rows.begin * row_stride_ + depth.begin;
    float* to = rows_ + omp_get_thread_num() * kTileRows * row_stride_;
    if (p_.a.dtype == DType::f32)
      pack_rows(matrix<float>(p_.a, batch_), p_.a, rows, depth, row_stride_, to);
    else
      pack_rows(matrix<bf16>(p_.a, batch_), p_.a, rows, depth, row_stride_, to);
    return to;
  }

  void run_tile(Range depth, Range rows, int64_t first_panel, Range panels) const {
    const Segment all{0, 0, depth.size()};
    RowTile<T> tile{};
    tile.input = rows_of_a(rows, depth);
    tile.input_stride = row_stride_;
    tile.segments = &all;
    tile.segment_count = 1;
    const bool first = depth.begin == 0, last = depth.end == p_.k;
    for (int64_t i = panels.begin; i < panels.end; ++i) {
      const int64_t column = (first_panel + i) * width_;
      tile.panel = panels_ + i * depth.size() * width_;
      tile.bias = first && bias_ ? bias_ + column : nullptr;
      tile.columns = std::min(width_, p_.n - column);
      tile.output = static_cast<T*>(p_.c) + batch_ * p_.c_batch_stride + rows.begin * p_.c_row_stride + column;
      tile.output_stride = p_.c_row_stride;
      if (first && last) {
        multiply_row_tile(static_cast<int>(rows.size()), vectors_, tile);
        continue;
      }
      float sums[kTileRows * 2 * kLanes];
      multiply_to(sums, tile, rows.size());
      add(sums, rows, column, tile, first, last);
    }
  }

  void multiply_to(float* sums, const RowTile<T>& tile, int64_t rows) const {
    const RowTile<float> to_sums{tile.input, tile.input_stride, 0,    tile.segments, tile.segment_count,
                                 tile.panel, tile.bias,         sums, width_,        width_};
    multiply_row_tile(static_cast<int>(rows), vectors_, to_sums);
  }

  // Adds the sums of one block of the depth to those of the blocks before it.
  void add(const float* sums, Range rows, int64_t column, const RowTile<T>& tile, bool first, bool last) const {
    for (int64_t r = 0; r < rows.size(); ++r)
      for (int64_t c = 0; c < tile.columns; ++c) {
        T& out = tile.output[r * tile.output_stride + c];
        if constexpr (std::is_same_v<T, float>) {
          out = first ? sums[r * width_ + c] : out + sums[r * width_ + c];
        } else {
          float& total = partial_[(rows.begin + r) * p_.n + column + c];
          total = first ? sums[r * width_ + c] : total + sums[r * width_ + c];
          if (last) out = total;
        }
      }
  }

  const MatrixProduct& p_;
  int64_t batch_, width_;
  int vectors_;
  int64_t threads_, depth_, block_panels_, group_, row_stride_;
  bool direct_a_;
  float *panels_ = nullptr, *rows_ = nullptr, *partial_ = nullptr;
  const float* bias_ = nullptr;
};

}  // namespace

void gemm(const MatrixProduct& p) {
  if (p.m == 0 || p.n == 0) return;
  for (int64_t i = 0; i < p.batch; ++i) {
    if (p.c_dtype == DType::f32)
      Gemm<float>(p, i).run();
    else
      Gemm<bf16>(p, i).run();
  }
}

}  // namespace gw::kernels::cpu
