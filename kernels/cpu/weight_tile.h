// The product at the heart of the weight gradient: a tile of input channels x output channels, summed over many pixels.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/cpu/fma_vector.h"

namespace gw::kernels::cpu {

/// Three nested loops over pairs of an input and an output pixel, with the step of each loop in x and in dy, in floats.
struct Walk {
  std::array<int64_t, 3> count, x_step, dy_step;

  /// Makes the first loop the innermost one.
  void rotate() {
    std::rotate(count.begin(), count.begin() + 1, count.end());
    std::rotate(x_step.begin(), x_step.begin() + 1, x_step.end());
    std::rotate(dy_step.begin(), dy_step.begin() + 1, dy_step.end());
  }
};

/// Most rows (input channels) of a tile that is `vectors` registers wide.
constexpr int max_weight_rows(int vectors) { return std::min(16, kAccumulators / vectors); }

/// sums[r, :] += sum over the walk of x[r] * dy[:], for `rows` rows of vectors * kLanes sums.
void accumulate_weight_tile(int64_t rows, int vectors, const Walk& walk, const float* x, const float* dy, float* sums);

}  // namespace gw::kernels::cpu
