#include "kernels/cpu/row_tile.h"

#include <array>
#include <utility>

namespace gw::kernels::cpu {
namespace {

// One address register reaches three rows (base, base + stride, base + 2 * stride), so that a tall tile does not run
// out of them.
constexpr int kRowsPerBase = 3;
constexpr int kUnroll = 4;

template <int Rows, int Vectors>
struct Sums {
  static constexpr int kBases = (Rows + kRowsPerBase - 1) / kRowsPerBase;
  FmaVector at[Rows][Vectors];

  void start(const float* bias) {
    for (int v = 0; v < Vectors; ++v) {
      const FmaVector first = bias ? load(bias + v * kLanes) : FmaVector{};
      for (int r = 0; r < Rows; ++r) at[r][v] = first;
    }
  }

  /// Adds one column of the rows times one row of the panel.
  [[gnu::always_inline]] void add(const float* const (&base)[kBases], int64_t stride, int k, const float* panel_row) {
    FmaVector b[Vectors];
    for (int v = 0; v < Vectors; ++v) b[v] = load(panel_row + v * kLanes);
#pragma GCC unroll 32
    for (int r = 0; r < Rows; ++r) {
      const float a = base[r / kRowsPerBase][(r % kRowsPerBase) * stride + k];
      for (int v = 0; v < Vectors; ++v) at[r][v] = multiply_add(b[v], a, at[r][v]);
    }
  }

  [[gnu::always_inline]] void add_segment(const float* input, int64_t stride, const float* panel, int64_t length) {
    constexpr int kWidth = Vectors * kLanes;
    const float* base[kBases];
    for (int i = 0; i < kBases; ++i) base[i] = input + kRowsPerBase * i * stride;
    int64_t k = 0;
    for (; k + kUnroll <= length; k += kUnroll, panel += kUnroll * kWidth) {
#pragma GCC unroll 4
      for (int u = 0; u < kUnroll; ++u) add(base, stride, u, panel + u * kWidth);
      for (int i = 0; i < kBases; ++i) base[i] += kUnroll;
    }
    for (; k < length; ++k, panel += kWidth) {
      add(base, stride, 0, panel);
      for (int i = 0; i < kBases; ++i) ++base[i];
    }
  }
};

template <class T, int Rows, int Vectors>
void multiply(const RowTile<T>& tile) {
  constexpr int kWidth = Vectors * kLanes;
  Sums<Rows, Vectors> sums;
  sums.start(tile.bias);
  for (int64_t s = 0; s < tile.segment_count; ++s) {
    const Segment& segment = tile.segments[s];
    sums.add_segment(tile.input + (segment.input - tile.input_begin), tile.input_stride,
                     tile.panel + segment.weight * kWidth, segment.length);
  }
  if (tile.columns == kWidth) {
#pragma GCC unroll 32
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) store(tile.output + r * tile.output_stride + v * kLanes, sums.at[r][v]);
    return;
  }
  for (int r = 0; r < Rows; ++r) {
    float row[kWidth];
    for (int v = 0; v < Vectors; ++v) store(row + v * kLanes, sums.at[r][v]);
    for (int64_t c = 0; c < tile.columns; ++c) tile.output[r * tile.output_stride + c] = row[c];
  }
}

template <class T>
using Multiply = void (*)(const RowTile<T>&);

template <class T, int Vectors, int... I>
constexpr std::array<Multiply<T>, kTileRows> multiply_table(std::integer_sequence<int, I...>) {
  return {multiply<T, I + 1, Vectors>...};
}

}  // namespace

template <class T>
void multiply_row_tile(int rows, int vectors, const RowTile<T>& tile) {
  using Heights = std::make_integer_sequence<int, kTileRows>;
  static constexpr std::array<std::array<Multiply<T>, kTileRows>, 2> kTable = {multiply_table<T, 1>(Heights{}),
                                                                               multiply_table<T, 2>(Heights{})};
  kTable[static_cast<size_t>(vectors - 1)][static_cast<size_t>(rows - 1)](tile);
}

template void multiply_row_tile<float>(int, int, const RowTile<float>&);
template void multiply_row_tile<bf16>(int, int, const RowTile<bf16>&);

}  // namespace gw::kernels::cpu
