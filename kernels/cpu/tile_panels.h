// Products of f32 numbers with tile registers, which multiply bf16 only, but at sixteen times the speed of f32.
//
// A number of 24 bits is the sum of three bf16 of 8 bits each: its high, middle and low part. Of the nine products of
// two numbers' parts the six that reach into the 24 bits of the result are summed. The registers sum more exactly than
// f32 additions do: of 64 terms the error is 0.7 of a plain f32 sum's, of 4096 terms a quarter (measured). Where an
// operand is infinite the result is NaN, and subnormal parts count as zero.
//
// With one part the numbers are rounded to bf16 and there is one product: matrix products in mixed precision.
#pragma once

#include "kernels/cpu/range.h"
#include "kernels/cpu/tile_registers.h"

namespace gw::kernels::cpu::tile {

enum class Parts : int64_t { rounded = 1, exact = 3 };  ///< of each number

constexpr int64_t kPanel = 2 * kRows;  ///< rows of a, or columns of b, that are multiplied together

/// bf16 of 32 terms of a panel: [part][tile].
constexpr int64_t chunk_elements(Parts parts) { return static_cast<int64_t>(parts) * 2 * kElements; }

/// Elements of a panel of so many terms.
constexpr int64_t panel_elements(int64_t terms, Parts parts) { return ceil_div(terms, kDepth) * chunk_elements(parts); }

/// An operand seen as `lines`, rows of a or columns of b, that are multiplied along their terms. One of the strides
/// is 1.
struct Lines {
  const float* data;
  int64_t line_stride, term_stride;
  int64_t lines;
  bool is_a;
};

/// Writes the panel of 32 lines from `line` on, or of those that there are and zeros, as chunks of terms.
void pack_panel(const Lines& from, int64_t line, Range terms, Parts parts, bf16* to);

/// sums [32][32] = a panel of a times one of b, of so many chunks.
void multiply_panels(const bf16* a, const bf16* b, int64_t chunks, Parts parts, float* sums);

}  // namespace gw::kernels::cpu::tile
