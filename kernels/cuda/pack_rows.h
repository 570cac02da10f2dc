// Rows [R, C] of few or many channels as a grid of packs, in which every thread keeps to one column: what it needs to
// know of its channels it reads once.
#pragma once

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "kernels/cuda/primitives.h"

namespace gw::kernels::cuda {

inline constexpr int kRowThreads = 256;

/// Rows of `columns` packs of V elements. Where V does not divide C, a row of the grid is made of several rows of the
/// matrix, so that the channels of a column are the same in every row: element k of column j is lane j * V + k, and
/// belongs to channel lane % channels.
///
/// Block (i, j) has rows i * rows_per_block and those after it, of tile j: blockDim.x columns. A thread has one column
/// and every blockDim.y-th row.
struct PackRows {
  int64_t rows = 0;
  int64_t rows_per_block = 0;
  int columns = 0;
  int channels = 0;

  GW_HOST_DEVICE int64_t rows_of_block(int64_t block) const {
    const int64_t left = rows - block * rows_per_block;
    return left < rows_per_block ? left : rows_per_block;
  }
};

/// A thread's part of the grid.
struct RowPlace {
  int column;          ///< PackRows::columns or more: none
  int64_t begin, end;  ///< the block's rows; none for a thread without a column
};

__device__ inline RowPlace row_place(const PackRows& p) {
  const int column = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x);
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * p.rows_per_block;
  return {column, begin, column < p.columns ? begin + p.rows_of_block(blockIdx.x) : begin};
}

/// Calls use(offset, load(offset)) for the thread's packs. The loads of kUnroll rows are issued before any is used:
/// that many are in flight at a time.
template <int V, int kUnroll, class Load, class Use>
__device__ void for_thread_rows(const PackRows& p, const RowPlace& place, const Load& load, const Use& use) {
  const int step = static_cast<int>(blockDim.y);
  const auto offset = [&](int64_t row) { return (row * p.columns + place.column) * V; };
  int64_t row = place.begin + threadIdx.y;
  for (; row + (kUnroll - 1) * step < place.end; row += kUnroll * step) {
    decltype(load(int64_t{0})) loaded[kUnroll];
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) loaded[u] = load(offset(row + u * step));
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) use(offset(row + u * step), loaded[u]);
  }
  for (; row < place.end; row += step) use(offset(row), load(offset(row)));
}

/// The grid and the launch of a kernel on rows.
struct RowLaunch {
  PackRows rows;
  dim3 grid, block;
  int lanes = 0;
};

/// Spreads the rows over blocks: about `blocks` of them, fewer if threads would have less than `least` rows each.
inline RowLaunch row_launch(int64_t rows, int columns, int pack, int channels, int64_t blocks, int64_t least) {
  constexpr int kWidest = 64;  // packs of 16 bytes: 1 KiB in a row is more than enough for coalescing
  RowLaunch r;
  const int tiles = (columns + kWidest - 1) / kWidest, width = (columns + tiles - 1) / tiles;
  const int64_t height = std::clamp<int64_t>(kRowThreads / width, 1, rows);
  const int64_t chunks = std::clamp<int64_t>(rows / (height * least), 1, std::max<int64_t>(1, blocks / tiles));
  r.rows = {rows, (rows + chunks - 1) / chunks, columns, channels};
  r.grid = {blocks_for(rows, r.rows.rows_per_block), static_cast<unsigned>(tiles), 1};
  r.block = {static_cast<unsigned>(width), static_cast<unsigned>(height), 1};
  r.lanes = columns * pack;
  return r;
}

/// Calls f(V, rows, columns) with the pack's size as a constant: 16 bytes where the matrix allows it, else single
/// elements.
template <class T, class F>
void with_row_packs(int64_t elements, int64_t channels, bool aligned, const F& f) {
  constexpr int kPack = kPackOf<T>;
  const int64_t repeat = kPack / std::gcd(channels, int64_t{kPack}), rows = elements / channels;
  if (aligned && rows % repeat == 0)
    f(std::integral_constant<int, kPack>{}, rows / repeat, static_cast<int>(repeat * channels / kPack));
  else
    f(std::integral_constant<int, 1>{}, rows, static_cast<int>(channels));
}

}  // namespace gw::kernels::cuda
