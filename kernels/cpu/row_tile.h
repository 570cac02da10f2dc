// The matrix product at the heart of convolution and matrix multiplication: a few rows times one packed panel of
// columns.
#pragma once

#include <cstdint>

#include "kernels/cpu/fma_vector.h"
#include "kernels/cpu/range.h"

namespace gw::kernels::cpu {

/// A stretch of the sum that is contiguous on both sides: `length` numbers of a row, starting at `input`, meet the rows
/// `weight`, `weight` + 1, ... of the panel.
struct Segment {
  int64_t input, weight, length;
};

/// Where the operands of a tile lie. Strides and offsets count elements.
template <class T>
struct RowTile {
  const float* input;    ///< row 0
  int64_t input_stride;  ///< from row to row
  int64_t input_begin;   ///< what the segments call the first element of a row
  const Segment* segments;
  int64_t segment_count;
  const float* panel;  ///< [k][width], width = vectors * kLanes
  const float* bias;   ///< [width], or null
  T* output;
  int64_t output_stride;
  int64_t columns;  ///< how many of the panel's columns are wanted
};

/// Columns of a panel: two registers where that many are wanted, else one.
constexpr int panel_vectors(int64_t columns) { return columns > kLanes ? 2 : 1; }
constexpr int64_t panel_width(int64_t columns) { return panel_vectors(columns) * kLanes; }

/// Rows of a full tile. All its sums stay in registers from the first to the last multiply-add.
constexpr int kTileRows = kAccumulators / 2;

/// output[r, :] = bias + sum over the segments of input[r, ...] * panel[..., :], for `rows` <= kTileRows rows.
template <class T>
void multiply_row_tile(int rows, int vectors, const RowTile<T>& tile);

/// Number of tiles for `rows` rows; part(rows, i, row_tile_count(rows)) is tile i, so that all are of nearly equal
/// height.
inline int64_t row_tile_count(int64_t rows) { return ceil_div(rows, kTileRows); }

}  // namespace gw::kernels::cpu
