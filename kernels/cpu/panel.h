// Panels: the right operand of a matrix product, laid out as multiply_row_tile reads it.
#pragma once

#include <algorithm>

#include "kernels/cpu/fma_vector.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/range.h"

namespace gw::kernels::cpu {

/// Rows `depth` and `width` columns from `column` of b as a panel [depth][width], filled up with zeros.
template <class T>
void pack_panel(const T* b, const MatrixRef& ref, Range depth, int64_t column, int64_t columns, int64_t width,
                float* to) {
  if (ref.column_stride == 1) {
    for (int64_t k = depth.begin; k < depth.end; ++k, to += width) {
      convert(b + k * ref.row_stride + column, to, columns);
      std::fill(to + columns, to + width, 0.0f);
    }
    return;
  }
  constexpr int64_t kBlock = 64;  // a transposition: both sides of a block stay in the L1 cache
  for (int64_t k0 = depth.begin; k0 < depth.end; k0 += kBlock) {
    const int64_t k1 = std::min(depth.end, k0 + kBlock);
    for (int64_t c = 0; c < width; ++c) {
      const T* from = b + (column + c) * ref.column_stride;
      float* target = to + c - depth.begin * width;
      for (int64_t k = k0; k < k1; ++k)
        target[k * width] = c < columns ? static_cast<float>(from[k * ref.row_stride]) : 0.0f;
    }
  }
}

}  // namespace gw::kernels::cpu
