// Sums from which mean, deviation and range follow, gathered by blocks.
#pragma once

#include <limits>

#include "kernels/cuda/primitives.h"

namespace gw::kernels::cuda {

inline constexpr int kMomentThreads = 256;
/// Elements that one block sums up. Fixed, so that results do not depend on the GPU.
inline constexpr int64_t kMomentPart = 32768;

/// Sums of the distances from a pivot near the mean, so that their squares cancel nothing.
struct Moments {
  double sum, squares;
  float min, max;

  GW_HOST_DEVICE void add(const Moments& other) {
    sum += other.sum;
    squares += other.squares;
    min = other.min < min ? other.min : min;
    max = other.max > max ? other.max : max;
  }
};

__device__ inline Moments no_moments() {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  return {0, 0, kInf, -kInf};
}

__device__ inline Moments moments_of(float value, float pivot) {
  const double d = value - pivot;
  return {d, d * d, value, value};
}

/// The moments of all threads of a block of kMomentThreads, in every thread. `scratch`: one Moments per thread. All
/// threads must call it.
__device__ inline Moments block_moments(const Moments& mine, Moments* scratch) {
  scratch[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned half = kMomentThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) scratch[threadIdx.x].add(scratch[threadIdx.x + half]);
    __syncthreads();
  }
  return scratch[0];
}

/// Mean and deviation (n - 1; NaN for fewer than two elements) of n elements.
struct MeanAndStd {
  float mean, std;
};
__device__ inline MeanAndStd mean_and_std(const Moments& m, float pivot, int64_t n) {
  const auto count = static_cast<double>(n);
  const double mean = m.sum / count, variance = (m.squares - mean * m.sum) / (count - 1);
  // Rounding may leave a variance just below zero; NaN stays NaN.
  return {static_cast<float>(static_cast<double>(pivot) + mean),
          static_cast<float>(sqrt(variance < 0 ? 0.0 : variance))};
}

}  // namespace gw::kernels::cuda
