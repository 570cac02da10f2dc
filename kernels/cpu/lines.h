// Loops over the lines of a tensor in strips: either one line that lies in a row, or neighbouring lines side by side,
// so that either way the innermost loop runs over neighbouring memory.
#pragma once

#include <limits>

#include "kernels/lines.h"
#include "kernels/math/functions.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {

/// Most lines that go side by side.
inline constexpr int64_t kStripWidth = 64;

/// Lines `line` to `line + width - 1`, whose first element stands at `offset`.
struct Strip {
  int64_t offset, line, width;
};

/// Calls body(strip) in parallel for strips that together hold all lines.
template <class Body>
void for_each_strip(LineShape s, const Body& body) {
  const int64_t strips = (s.inner + kStripWidth - 1) / kStripWidth;
  const int64_t elements = s.length * std::min(s.inner, kStripWidth);
  const int64_t grain = std::max<int64_t>(1, kParallelGrain / std::max<int64_t>(1, elements));
  parallel_for(s.outer * strips, grain, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t o = t / strips, i = t % strips * kStripWidth;
      body(Strip{o * s.length * s.inner + i, o * s.inner + i, std::min(kStripWidth, s.inner - i)});
    }
  });
}

/// Calls body(k, i, c) for every element of a strip: the k-th from its first, in line i, number c in that line.
template <class Body>
inline void for_each_in_strip(LineShape s, int64_t width, const Body& body) {
  if (s.inner == 1) {
#pragma omp simd
    for (int64_t c = 0; c < s.length; ++c) body(c, int64_t{0}, c);
    return;
  }
  for (int64_t c = 0; c < s.length; ++c) {
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) body(c * s.inner + i, i, c);
  }
}

/// Terms of a line that are added up before they go into its total: sums of sums lose little, however long the line.
inline constexpr int64_t kTermsOfRun = 256;

/// total[i] = the sum over line i of term(k, i, c).
template <class Term>
inline void sum_strip(LineShape s, int64_t width, float* total, const Term& term) {
  std::fill_n(total, width, 0.0f);
  for (int64_t begin = 0; begin < s.length; begin += kTermsOfRun) {
    const int64_t end = std::min(s.length, begin + kTermsOfRun);
    if (s.inner == 1) {
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t c = begin; c < end; ++c) sum += term(c, int64_t{0}, c);
      total[0] += sum;
      continue;
    }
    float sums[kStripWidth] = {};
    for (int64_t c = begin; c < end; ++c) {
#pragma omp simd
      for (int64_t i = 0; i < width; ++i) sums[i] += term(c * s.inner + i, i, c);
    }
    for (int64_t i = 0; i < width; ++i) total[i] += sums[i];
  }
}

/// What softmax needs to know of each line of a strip.
struct LineStatistics {
  float max[kStripWidth];  ///< the largest element
  float sum[kStripWidth];  ///< of exp(x - max)
};

/// The statistics of the lines whose first element is x[0].
template <class T>
inline void strip_statistics(const T* x, LineShape s, int64_t width, LineStatistics& out) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  if (s.inner == 1) {
    float max = kLowest;
#pragma omp simd reduction(max : max)
    for (int64_t c = 0; c < s.length; ++c) max = static_cast<float>(x[c]) > max ? static_cast<float>(x[c]) : max;
    out.max[0] = max;
  } else {
    std::fill_n(out.max, width, kLowest);
    for (int64_t c = 0; c < s.length; ++c) {
#pragma omp simd
      for (int64_t i = 0; i < width; ++i) {
        const float value = static_cast<float>(x[c * s.inner + i]);
        out.max[i] = value > out.max[i] ? value : out.max[i];
      }
    }
  }
  sum_strip(s, width, out.sum,
            [&](int64_t k, int64_t i, int64_t) { return math::exp(static_cast<float>(x[k]) - out.max[i]); });
}

}  // namespace gw::kernels::cpu
