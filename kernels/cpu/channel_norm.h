// The loops of norms over rows of channels: sums for each channel, and what maps x to y and dy to dx. Batch norm runs
// them over a whole batch, group norm over each sample.
#pragma once

#include <type_traits>
#include <vector>

#include "kernels/cpu/bf16_round.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/prefetch.h"
#include "kernels/math/batchnorm.h"

namespace gw::kernels::cpu {

/// BatchNormChannel of every lane, as arrays of floats that the loops read side by side.
struct ChannelLanes {
  std::vector<float> mean, scale, bias;
};

/// s += x - shift and q += (x - shift)^2, lane by lane. Four rows a step: fewer
/// loads and stores of the sums, and shorter chains of additions.
template <class T>
void add_moments(const T* x, int64_t rows, int64_t lanes, const float* shift, float* s, float* q) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4, x += 4 * lanes) {
    const T *x1 = x + lanes, *x2 = x1 + lanes, *x3 = x2 + lanes;
    prefetch(x + 4 * lanes, 4 * lanes);
#pragma omp simd
    for (int64_t j = 0; j < lanes; ++j) {
      const float a = static_cast<float>(x[j]) - shift[j], b = static_cast<float>(x1[j]) - shift[j];
      const float c = static_cast<float>(x2[j]) - shift[j], d = static_cast<float>(x3[j]) - shift[j];
      s[j] += (a + b) + (c + d);
      q[j] += (a * a + b * b) + (c * c + d * d);
    }
  }
  for (; r < rows; ++r, x += lanes) {
#pragma omp simd
    for (int64_t j = 0; j < lanes; ++j) {
      const float a = static_cast<float>(x[j]) - shift[j];
      s[j] += a;
      q[j] += a * a;
    }
  }
}

// The loops below copy the activation into a local variable: read through the
// closure, its parameters would be loads inside branches, which cannot be
// vectorised.

template <class T, class Act>
void apply_norm(T* y, const T* x, const T* residual, const Lanes& lanes, const ChannelLanes& p, const Act& act,
                bool stream) {
  const float *means = p.mean.data(), *scales = p.scale.data(), *biases = p.bias.data();
  lanes.for_each([=](int64_t at, int64_t row_lanes) {
    prefetch_ahead(x + at, row_lanes);
    if (residual) prefetch_ahead(residual + at, row_lanes);
    if (!stream) prefetch_ahead_to_write(y + at, row_lanes);
    write_run(y + at, row_lanes, stream, [=](float* to, int64_t begin, auto count) {
      const Act f = act;
      const float *mean = means + begin, *scale = scales + begin, *bias = biases + begin;
      const T* in = x + at + begin;
      if (!residual) {
#pragma omp simd
        for (int64_t j = 0; j < count; ++j)
          to[j] = f.value(math::batch_norm(static_cast<float>(in[j]), {mean[j], scale[j], bias[j]}));
        return;
      }
      const T* other = residual + at + begin;
#pragma omp simd
      for (int64_t j = 0; j < count; ++j) {
        const float z = math::batch_norm(static_cast<float>(in[j]), {mean[j], scale[j], bias[j]});
        to[j] = f.value(z + static_cast<float>(other[j]));
      }
    });
  });
}

/// Sums of dz and of dz * (x - mean) where z is computed again from x. Four
/// rows a step, as in add_moments.
template <class T, class Act>
std::vector<double> gradient_sums(const T* dy, const T* x, const Lanes& lanes, const ChannelLanes& p, const Act& act) {
  const float *mean = p.mean.data(), *scale = p.scale.data(), *bias = p.bias.data();
  return lanes.sum_pairs([=](int64_t at, int64_t rows, int64_t count, float* s, float* q) {
    const Act f = act;
    const auto add_rows = [=](int64_t first, auto rows_at_once) {
#pragma omp simd
      for (int64_t j = 0; j < count; ++j) {
        const math::BatchNormChannel c{mean[j], scale[j], bias[j]};
        float sum = 0, product = 0;
        for (int64_t r = 0; r < rows_at_once; ++r) {
          const float v = static_cast<float>(x[first + r * count + j]);
          const float dz = static_cast<float>(dy[first + r * count + j]) * f.slope(math::batch_norm(v, c));
          sum += dz;
          product += dz * (v - c.mean);
        }
        s[j] += sum;
        q[j] += product;
      }
    };
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      const int64_t first = at + r * count, next = first + 4 * count;
      prefetch(x + next, 4 * count);
      prefetch(dy + next, 4 * count);
      add_rows(first, std::integral_constant<int64_t, 4>{});
    }
    for (; r < rows; ++r) add_rows(at + r * count, std::integral_constant<int64_t, 1>{});
  });
}

template <class T, class Act>
void input_gradient(T* dx, const T* dy, const T* x, const Lanes& lanes, const ChannelLanes& p,
                    const std::vector<float>& slope_a, const std::vector<float>& slope_b, const Act& act, bool stream) {
  const float *means = p.mean.data(), *scales = p.scale.data(), *biases = p.bias.data();
  const float *slopes_a = slope_a.data(), *slopes_b = slope_b.data();
  lanes.for_each([=](int64_t at, int64_t row_lanes) {
    prefetch_ahead(x + at, row_lanes);
    prefetch_ahead(dy + at, row_lanes);
    if (!stream) prefetch_ahead_to_write(dx + at, row_lanes);
    write_run(dx + at, row_lanes, stream, [=](float* to, int64_t begin, auto count) {
      const Act f = act;
      const float *mean = means + begin, *scale = scales + begin, *bias = biases + begin;
      const float *a = slopes_a + begin, *b = slopes_b + begin;
      const T *g = dy + at + begin, *in = x + at + begin;
#pragma omp simd
      for (int64_t j = 0; j < count; ++j) {
        const math::BatchNormChannel c{mean[j], scale[j], bias[j]};
        const float v = static_cast<float>(in[j]);
        const float dz = static_cast<float>(g[j]) * f.slope(math::batch_norm(v, c));
        to[j] = math::batch_norm_dx(dz, v, c, math::BatchNormSlope{a[j], b[j]});
      }
    });
  });
}

}  // namespace gw::kernels::cpu
