#include "kernels/cpu/batchnorm.h"

#include <limits>
#include <type_traits>

#include "kernels/cpu/bf16_round.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/map.h"
#include "kernels/math/batchnorm.h"

namespace gw::kernels::cpu {
namespace {

using math::BatchNormChannel;
using math::BatchNormSlope;

Lanes lanes_of(const Tensor& x, const Tensor& per_channel) {
  const int64_t channels = per_channel.numel();
  return {x.numel() / channels, channels};
}

/// The elements of an f32 vector, or `count` times `otherwise` if it is
/// undefined.
std::vector<float> values_or(const Tensor& t, int64_t count, float otherwise) {
  if (!t.defined()) return std::vector<float>(static_cast<size_t>(count), otherwise);
  return t.to_vector<float>();
}

/// BatchNormChannel of every lane, as arrays of floats that the loops read side
/// by side.
struct ChannelLanes {
  std::vector<float> mean, scale, bias;

  ChannelLanes(const Lanes& lanes, const Tensor& m, const Tensor& invstd, const Tensor& weight, const Tensor& b) {
    std::vector<float> s = values_or(weight, lanes.channels, 1);
    const float* factor = invstd.data<float>();
    for (size_t c = 0; c < s.size(); ++c) s[c] *= factor[c];
    mean = lanes.spread(m.to_vector<float>());
    scale = lanes.spread(s);
    bias = lanes.spread(values_or(b, lanes.channels, 0));
  }
};

/// Calls f with the activation as a type, so that each combination gets its own
/// loops.
template <class F>
void with_activation(const std::optional<GeneralReluOptions>& act, DType dtype, const F& f) {
  if (!act) return f(math::NoActivation{});
  math::GeneralReluParams params = math::general_relu_params(*act, dtype);
  // Rounding to bf16 may take subnormal numbers to zero, but what x > 0 becomes must stay above it.
  constexpr float kLeastNormal = std::numeric_limits<float>::min();
  if (dtype == DType::bf16 && params.zero == 0.0f) params.above_zero = kLeastNormal;
  if (act->maxv) return f(math::GeneralReluActivation{params});
  f(math::UnclampedGeneralReluActivation{params});
}

/// A value near each channel's mean: the mean of up to 64 rows, spread over the
/// whole of x so that no odd region (a dark border) decides alone. Sums of
/// squares around it do not cancel.
template <class T>
std::vector<float> rough_means(const T* x, int64_t rows, int64_t channels) {
  const int64_t samples = std::min<int64_t>(rows, 64);
  std::vector<double> sums(static_cast<size_t>(channels));
  for (int64_t i = 0; i < samples; ++i) {
    const T* row = x + rows * i / samples * channels;
    for (size_t c = 0; c < sums.size(); ++c) sums[c] += static_cast<double>(static_cast<float>(row[c]));
  }
  std::vector<float> means;
  for (const double sum : sums) means.push_back(static_cast<float>(sum / static_cast<double>(samples)));
  return means;
}

/// s += x - shift and q += (x - shift)^2, lane by lane. Four rows a step: fewer
/// loads and stores of the sums, and shorter chains of additions.
template <class T>
void add_moments(const T* x, int64_t rows, int64_t lanes, const float* shift, float* s, float* q) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4, x += 4 * lanes) {
    const T *x1 = x + lanes, *x2 = x1 + lanes, *x3 = x2 + lanes;
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
void apply(T* y, const T* x, const T* residual, const Lanes& lanes, const ChannelLanes& p, const Act& act,
           bool stream) {
  const float *means = p.mean.data(), *scales = p.scale.data(), *biases = p.bias.data();
  lanes.for_each([=](int64_t at, int64_t row_lanes) {
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
        const BatchNormChannel c{mean[j], scale[j], bias[j]};
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
    for (; r + 4 <= rows; r += 4) add_rows(at + r * count, std::integral_constant<int64_t, 4>{});
    for (; r < rows; ++r) add_rows(at + r * count, std::integral_constant<int64_t, 1>{});
  });
}

/// The same sums with the sign of z read off y; stores dz, which both the
/// residual and dx need.
template <class T, class Act>
std::vector<double> gradient_sums_from_output(T* dz_out, const T* dy, const T* x, const T* y, const Lanes& lanes,
                                              const ChannelLanes& p, const Act& act, bool stream) {
  const float* means = p.mean.data();
  return lanes.sum_pairs([=](int64_t at, int64_t rows, int64_t row_lanes, float* sums, float* products) {
    for (int64_t r = 0; r < rows; ++r, at += row_lanes) {
      write_run(dz_out + at, row_lanes, stream, [=](float* to, int64_t begin, auto count) {
        const Act f = act;
        const float* mean = means + begin;
        const T *g = dy + at + begin, *in = x + at + begin, *out = y + at + begin;
        float *s = sums + begin, *q = products + begin;
#pragma omp simd
        for (int64_t j = 0; j < count; ++j) {
          const float dz = static_cast<float>(g[j]) * f.slope_from_output(static_cast<float>(out[j]));
          to[j] = dz;
          s[j] += dz;
          q[j] += dz * (static_cast<float>(in[j]) - mean[j]);
        }
      });
    }
  });
}

template <class T, class Act>
void input_gradient(T* dx, const T* dy, const T* x, const Lanes& lanes, const ChannelLanes& p,
                    const std::vector<float>& slope_a, const std::vector<float>& slope_b, const Act& act, bool stream) {
  const float *means = p.mean.data(), *scales = p.scale.data(), *biases = p.bias.data();
  const float *slopes_a = slope_a.data(), *slopes_b = slope_b.data();
  lanes.for_each([=](int64_t at, int64_t row_lanes) {
    write_run(dx + at, row_lanes, stream, [=](float* to, int64_t begin, auto count) {
      const Act f = act;
      const float *mean = means + begin, *scale = scales + begin, *bias = biases + begin;
      const float *a = slopes_a + begin, *b = slopes_b + begin;
      const T *g = dy + at + begin, *in = x + at + begin;
#pragma omp simd
      for (int64_t j = 0; j < count; ++j) {
        const BatchNormChannel c{mean[j], scale[j], bias[j]};
        const float v = static_cast<float>(in[j]);
        const float dz = static_cast<float>(g[j]) * f.slope(math::batch_norm(v, c));
        to[j] = math::batch_norm_dx(dz, v, c, BatchNormSlope{a[j], b[j]});
      }
    });
  });
}

}  // namespace

void batch_norm_statistics(const Tensor& mean, const Tensor& invstd, const Tensor& running_mean,
                           const Tensor& running_var, const Tensor& x, const BatchNormOptions& o) {
  visit_floating(x.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes = lanes_of(x, mean);
    const T* in = x.data<T>();
    const int64_t rows = x.numel() / lanes.channels;
    const std::vector<float> near = rough_means(in, rows, lanes.channels), shift = lanes.spread(near);
    const std::vector<double> sums =
        lanes.sum_pairs([in, k = shift.data()](int64_t at, int64_t r, int64_t count, float* s, float* q) {
          add_moments(in + at, r, count, k, s, q);
        });
    const auto n = static_cast<double>(rows);
    const bool running = running_mean.defined();
    const math::BatchNormStatistics statistics{mean.data<float>(),
                                               invstd.data<float>(),
                                               running ? running_mean.data<float>() : nullptr,
                                               running ? running_var.data<float>() : nullptr,
                                               o.momentum,
                                               o.eps};
    for (size_t c = 0; c < near.size(); ++c) {
      const double s = sums[c], q = sums[c + near.size()];
      statistics.finish(static_cast<int64_t>(c), n, static_cast<double>(near[c]) + s / n, std::max(0.0, q - s * s / n));
    }
  });
}

void batch_norm_apply(const Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& weight,
                      const Tensor& bias, const Tensor& mean, const Tensor& invstd,
                      const std::optional<GeneralReluOptions>& act) {
  visit_floating(x.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes = lanes_of(x, mean);
    const ChannelLanes params(lanes, mean, invstd, weight, bias);
    const T* r = residual.defined() ? residual.data<T>() : nullptr;
    with_activation(act, y.dtype(), [&](auto a) { apply(y.data<T>(), x.data<T>(), r, lanes, params, a, streams(y)); });
  });
}

void batch_norm_backward_sums(const Tensor& dweight, const Tensor& dbias, const Tensor& dz, const Tensor& dy,
                              const BatchNormSaved& saved, const std::optional<GeneralReluOptions>& act) {
  visit_floating(dy.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes = lanes_of(dy, saved.mean);
    const ChannelLanes params(lanes, saved.mean, saved.invstd, saved.weight, saved.bias);
    const T *g = dy.data<T>(), *x = saved.x.data<T>();
    std::vector<double> sums;
    with_activation(act, dy.dtype(), [&](auto a) {
      sums = dz.defined()
                 ? gradient_sums_from_output(dz.data<T>(), g, x, saved.y.data<T>(), lanes, params, a, streams(dz))
                 : gradient_sums(g, x, lanes, params, a);
    });
    const float* invstd = saved.invstd.data<float>();
    for (int64_t c = 0; c < lanes.channels; ++c) {
      dbias.data<float>()[c] = static_cast<float>(sums[static_cast<size_t>(c)]);
      const double product = sums[static_cast<size_t>(c + lanes.channels)];
      dweight.data<float>()[c] = static_cast<float>(product * static_cast<double>(invstd[c]));
    }
  });
}

void batch_norm_backward_input(const Tensor& dx, const Tensor& dy, const BatchNormSaved& saved, const Tensor& dweight,
                               const Tensor& dbias, bool training, const std::optional<GeneralReluOptions>& act) {
  visit_floating(dy.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes = lanes_of(dy, saved.mean);
    const ChannelLanes params(lanes, saved.mean, saved.invstd, saved.weight, saved.bias);
    std::vector<float> a(static_cast<size_t>(lanes.channels)), b(a.size());
    const float *sum = dbias.data<float>(), *product = dweight.data<float>(), *invstd = saved.invstd.data<float>();
    const float per_row = static_cast<float>(lanes.channels) / static_cast<float>(dy.numel());
    for (size_t c = 0; training && c < a.size(); ++c) {
      a[c] = params.scale[c] * sum[c] * per_row;
      b[c] = params.scale[c] * invstd[c] * product[c] * per_row;
    }
    with_activation(act, dy.dtype(), [&](auto f) {
      input_gradient(dx.data<T>(), dy.data<T>(), saved.x.data<T>(), lanes, params, lanes.spread(a), lanes.spread(b), f,
                     streams(dx));
    });
  });
}

}  // namespace gw::kernels::cpu
