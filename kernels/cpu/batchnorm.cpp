#include "kernels/cpu/batchnorm.h"

#include <limits>

#include "kernels/cpu/channel_norm.h"
#include "kernels/cpu/map.h"

namespace gw::kernels::cpu {
namespace {

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

ChannelLanes channel_lanes(const Lanes& lanes, const Tensor& mean, const Tensor& invstd, const Tensor& weight,
                           const Tensor& bias) {
  std::vector<float> scale = values_or(weight, lanes.channels, 1);
  const float* factor = invstd.data<float>();
  for (size_t c = 0; c < scale.size(); ++c) scale[c] *= factor[c];
  return {lanes.spread(mean.to_vector<float>()), lanes.spread(scale), lanes.spread(values_or(bias, lanes.channels, 0))};
}

math::BatchNormStatistics statistics_into(const Tensor& mean, const Tensor& invstd, const Tensor& running_mean,
                                          const Tensor& running_var, const BatchNormOptions& o) {
  const bool running = running_mean.defined();
  return {mean.data<float>(),
          invstd.data<float>(),
          running ? running_mean.data<float>() : nullptr,
          running ? running_var.data<float>() : nullptr,
          o.momentum,
          o.eps};
}

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

/// The same sums with the sign of z read off y; stores dz, which both the
/// residual and dx need.
template <class T, class Act>
std::vector<double> gradient_sums_from_output(T* dz_out, const T* dy, const T* x, const T* y, const Lanes& lanes,
                                              const ChannelLanes& p, const Act& act, bool stream) {
  const float* means = p.mean.data();
  return lanes.sum_pairs([=](int64_t at, int64_t rows, int64_t row_lanes, float* sums, float* products) {
    for (int64_t r = 0; r < rows; ++r, at += row_lanes) {
      prefetch_ahead(x + at, row_lanes);
      prefetch_ahead(dy + at, row_lanes);
      prefetch_ahead(y + at, row_lanes);
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
    const math::BatchNormStatistics statistics = statistics_into(mean, invstd, running_mean, running_var, o);
    for (size_t c = 0; c < near.size(); ++c) {
      const double s = sums[c], q = sums[c + near.size()];
      statistics.finish(static_cast<int64_t>(c), n, static_cast<double>(near[c]) + s / n, std::max(0.0, q - s * s / n));
    }
  });
}

void batch_norm_statistics(const Tensor& mean, const Tensor& invstd, const Tensor& running_mean,
                           const Tensor& running_var, const BatchMoments& moments, int64_t rows,
                           const BatchNormOptions& o) {
  const math::BatchNormStatistics statistics = statistics_into(mean, invstd, running_mean, running_var, o);
  const float *means = moments.mean.data<float>(), *variances = moments.variance.data<float>();
  const auto n = static_cast<double>(rows);
  for (int64_t c = 0; c < mean.numel(); ++c)
    statistics.finish(c, n, static_cast<double>(means[c]), static_cast<double>(variances[c]) * n);
}

void batch_norm_apply(const Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& weight,
                      const Tensor& bias, const Tensor& mean, const Tensor& invstd,
                      const std::optional<GeneralReluOptions>& act) {
  visit_floating(x.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes = lanes_of(x, mean);
    const ChannelLanes params = channel_lanes(lanes, mean, invstd, weight, bias);
    const T* r = residual.defined() ? residual.data<T>() : nullptr;
    with_activation(act, y.dtype(),
                    [&](auto a) { apply_norm(y.data<T>(), x.data<T>(), r, lanes, params, a, streams(y)); });
  });
}

void batch_norm_backward_sums(const Tensor& dweight, const Tensor& dbias, const Tensor& dz, const Tensor& dy,
                              const BatchNormSaved& saved, const std::optional<GeneralReluOptions>& act) {
  visit_floating(dy.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes = lanes_of(dy, saved.mean);
    const ChannelLanes params = channel_lanes(lanes, saved.mean, saved.invstd, saved.weight, saved.bias);
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
    const ChannelLanes params = channel_lanes(lanes, saved.mean, saved.invstd, saved.weight, saved.bias);
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
