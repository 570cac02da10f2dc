// Group norm on the CPU. A sample is worked on as a whole, so that what fits into the caches is read from memory once.
// Where a sample is more than one row (images), its sums go channel by channel, as batch norm's do, and groups add up
// their channels. Where it is a single row (layer norm), each group is a line of neighbours.
#include "kernels/cpu/groupnorm.h"

#include <cmath>

#include "kernels/cpu/channel_norm.h"
#include "kernels/cpu/map.h"

namespace gw::kernels::cpu {
namespace {

/// Two sums.
struct Pair {
  double first = 0, second = 0;
};

std::vector<float> values_or(const Tensor& t, int64_t count, float otherwise) {
  return t.defined() ? t.to_vector<float>() : std::vector<float>(static_cast<size_t>(count), otherwise);
}

/// Parts of the samples that run side by side. Where there are fewer samples than threads they take their turns, and
/// the threads share each.
int64_t parts_of(const GroupNormShape& s) {
  const int64_t threads = omp_get_max_threads(), most = s.samples * s.sample_size() / kParallelGrain;
  return s.rows > 1 && s.samples < threads ? 1 : std::clamp<int64_t>(most, 1, std::min(threads, s.samples));
}

/// Calls body(part, begin, end), the last two being a part's samples.
template <class Body>
void for_each_part(const GroupNormShape& s, const Body& body) {
  const int64_t parts = parts_of(s);
  parallel_for(parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part)
      body(part, s.samples * part / parts, s.samples * (part + 1) / parts);
    stream_fence();
  });
}

/// What the backward pass sums up for every channel: of dy * xhat, and of dy. Short runs of samples are summed in f32,
/// runs in double.
class AffineSums {
 public:
  explicit AffineSums(int64_t channels) : run_(static_cast<size_t>(2 * channels)), sums_(run_.size()) {}

  float* weight() { return run_.data(); }
  float* bias() { return run_.data() + run_.size() / 2; }
  void end_sample() {
    constexpr int kRun = 64;
    if (++samples_ % kRun == 0) flush();
  }
  const std::vector<double>& finish() {
    flush();
    return sums_;
  }

 private:
  void flush() {
    for (size_t i = 0; i < run_.size(); ++i) sums_[i] += static_cast<double>(std::exchange(run_[i], 0.0f));
  }

  std::vector<float> run_;
  std::vector<double> sums_;
  int64_t samples_ = 0;
};

// --- samples of one row: lines

/// Sums over a line. term(begin, count) gives those of a piece that is short enough for f32.
template <class Term>
Pair sum_line(int64_t n, const Term& term) {
  constexpr int64_t kPiece = 4096;
  Pair sums;
  for (int64_t i = 0; i < n; i += kPiece) {
    const auto [first, second] = term(i, std::min(kPiece, n - i));
    sums.first += static_cast<double>(first);
    sums.second += static_cast<double>(second);
  }
  return sums;
}

/// A line's mean and 1 / sqrt(variance + eps), in two passes over what the first cache holds.
template <class T>
void line_statistics(const T* x, int64_t n, double eps, float& mean, float& invstd) {
  const auto count = static_cast<double>(n);
  const Pair sum = sum_line(n, [x](int64_t begin, int64_t length) {
    float s = 0;
#pragma omp simd reduction(+ : s)
    for (int64_t i = begin; i < begin + length; ++i) s += static_cast<float>(x[i]);
    return std::pair(s, 0.0f);
  });
  mean = static_cast<float>(sum.first / count);
  const Pair squares = sum_line(n, [x, m = mean](int64_t begin, int64_t length) {
    float q = 0;
#pragma omp simd reduction(+ : q)
    for (int64_t i = begin; i < begin + length; ++i) {
      const float d = static_cast<float>(x[i]) - m;
      q += d * d;
    }
    return std::pair(q, 0.0f);
  });
  invstd = static_cast<float>(1 / std::sqrt(squares.first / count + eps));
}

template <class T>
void apply_line(T* y, const T* x, const float* weight, const float* bias, int64_t n, float mean, float invstd,
                bool stream) {
  write_run(y, n, stream, [=](float* to, int64_t begin, auto count) {
    const T* in = x + begin;
    const float *w = weight + begin, *b = bias + begin;
#pragma omp simd
    for (int64_t j = 0; j < count; ++j)
      to[j] = math::batch_norm(static_cast<float>(in[j]), {mean, invstd * w[j], b[j]});
  });
}

/// The sums of dz and of dz * (x - mean) with dz = dy * weight.
template <class T>
Pair line_gradient_sums(const T* dy, const T* x, const float* w, int64_t n, float mean) {
  return sum_line(n, [=](int64_t begin, int64_t length) {
    float s = 0, q = 0;
#pragma omp simd reduction(+ : s, q)
    for (int64_t i = begin; i < begin + length; ++i) {
      const float dz = static_cast<float>(dy[i]) * w[i];
      s += dz;
      q += dz * (static_cast<float>(x[i]) - mean);
    }
    return std::pair(s, q);
  });
}

template <class T>
void line_input_gradient(T* dx, const T* dy, const T* x, const float* weight, int64_t n, float mean, float invstd,
                         bool stream) {
  const Pair sums = line_gradient_sums(dy, x, weight, n, mean);
  const auto count = static_cast<double>(n), factor = static_cast<double>(invstd);
  const math::BatchNormSlope slope{static_cast<float>(factor * sums.first / count),
                                   static_cast<float>(factor * factor * factor * sums.second / count)};
  write_run(dx, n, stream, [=](float* to, int64_t begin, auto length) {
    const T *g = dy + begin, *in = x + begin;
    const float* w = weight + begin;
#pragma omp simd
    for (int64_t j = 0; j < length; ++j)
      to[j] =
          math::batch_norm_dx(static_cast<float>(g[j]), static_cast<float>(in[j]), {mean, invstd * w[j], 0.0f}, slope);
  });
}

template <class T>
void add_line_affine(float* dweight, float* dbias, const T* dy, const T* x, int64_t n, float mean, float invstd) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = static_cast<float>(dy[i]);
    dweight[i] += g * (static_cast<float>(x[i]) - mean) * invstd;
    dbias[i] += g;
  }
}

// --- samples of many rows: channels

/// The sum over the channels of each group of values[c] * factors[c].
std::vector<double> group_sums(const double* values, const std::vector<float>& factors, const GroupNormShape& s) {
  std::vector<double> sums(static_cast<size_t>(s.groups));
  const float* factor = factors.data();
  for (double& sum : sums)
    for (int64_t j = 0; j < s.width(); ++j) sum += *values++ * static_cast<double>(*factor++);
  return sums;
}

/// One value for each channel from one for each group.
std::vector<float> per_channel(const float* per_group, const GroupNormShape& s) {
  std::vector<float> values(static_cast<size_t>(s.channels));
  auto at = values.begin();
  for (int64_t g = 0; g < s.groups; ++g) at = std::fill_n(at, s.width(), per_group[g]);
  return values;
}

/// A value near each group's mean, from a few rows of the sample. Sums of squares around it do not cancel.
template <class T>
std::vector<float> near_means(const T* x, const GroupNormShape& s) {
  const int64_t rows = std::min<int64_t>(s.rows, 8);
  std::vector<float> sums(static_cast<size_t>(s.groups));
  for (int64_t i = 0; i < rows; ++i) {
    const T* row = x + s.rows * i / rows * s.channels;
    for (float& sum : sums)
      for (int64_t j = 0; j < s.width(); ++j) sum += static_cast<float>(*row++);
  }
  for (float& sum : sums) sum /= static_cast<float>(rows * s.width());
  return sums;
}

template <class T>
void sample_statistics(const T* x, const Lanes& lanes, const GroupNormShape& s, double eps, float* mean,
                       float* invstd) {
  const std::vector<float> near = near_means(x, s), shift = lanes.spread(per_channel(near.data(), s));
  const std::vector<double> sums =
      lanes.sum_pairs([x, k = shift.data()](int64_t at, int64_t rows, int64_t count, float* sum, float* squares) {
        add_moments(x + at, rows, count, k, sum, squares);
      });
  const std::vector<float> ones(static_cast<size_t>(s.channels), 1.0f);
  const std::vector<double> first = group_sums(sums.data(), ones, s);
  const std::vector<double> second = group_sums(sums.data() + s.channels, ones, s);
  const auto n = static_cast<double>(s.rows * s.width());
  for (size_t g = 0; g < near.size(); ++g) {
    mean[g] = static_cast<float>(static_cast<double>(near[g]) + first[g] / n);
    const double variance = std::max(0.0, (second[g] - first[g] * first[g] / n) / n);
    invstd[g] = static_cast<float>(1 / std::sqrt(variance + eps));
  }
}

/// What maps a sample's x to y.
ChannelLanes sample_lanes(const Lanes& lanes, const GroupNormShape& s, const float* mean, const float* invstd,
                          const std::vector<float>& weight, const std::vector<float>& bias) {
  std::vector<float> scale = per_channel(invstd, s);
  for (size_t c = 0; c < scale.size(); ++c) scale[c] *= weight[c];
  return {lanes.spread(per_channel(mean, s)), lanes.spread(scale), lanes.spread(bias)};
}

template <class T>
void sample_gradient(T* dx, AffineSums& affine, const T* dy, const T* x, const Lanes& lanes, const GroupNormShape& s,
                     const ChannelLanes& p, const std::vector<float>& weight, const float* invstd, bool stream) {
  const std::vector<double> sums = gradient_sums(dy, x, lanes, p, math::NoActivation{});
  const double *sum = sums.data(), *product = sum + s.channels;
  float *dweight = affine.weight(), *dbias = affine.bias();
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t j = 0; j < s.width(); ++j) {
      *dweight++ += static_cast<float>(*product++ * static_cast<double>(invstd[g]));
      *dbias++ += static_cast<float>(*sum++);
    }
  if (!dx) return;
  const std::vector<double> first = group_sums(sums.data(), weight, s);
  const std::vector<double> second = group_sums(sums.data() + s.channels, weight, s);
  const auto n = static_cast<double>(s.rows * s.width());
  std::vector<float> a(first.size()), b(first.size());
  for (size_t g = 0; g < a.size(); ++g) {
    const auto factor = static_cast<double>(invstd[g]);
    a[g] = static_cast<float>(factor * first[g] / n);
    b[g] = static_cast<float>(factor * factor * factor * second[g] / n);
  }
  input_gradient(dx, dy, x, lanes, p, lanes.spread(per_channel(a.data(), s)), lanes.spread(per_channel(b.data(), s)),
                 math::NoActivation{}, stream);
}

}  // namespace

void group_norm_forward(const GroupNormResult& out, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const GroupNormShape& s, double eps) {
  const std::vector<float> w = values_or(weight, s.channels, 1), b = values_or(bias, s.channels, 0);
  const bool stream = streams(out.y);
  visit_floating(x.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes(s.rows, s.channels);
    for_each_part(s, [&](int64_t, int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        const T* in = x.data<T>() + n * s.sample_size();
        T* to = out.y.data<T>() + n * s.sample_size();
        float *mean = out.mean.data<float>() + n * s.groups, *invstd = out.invstd.data<float>() + n * s.groups;
        if (s.rows > 1) {
          sample_statistics(in, lanes, s, eps, mean, invstd);
          const ChannelLanes p = sample_lanes(lanes, s, mean, invstd, w, b);
          apply_norm(to, in, static_cast<const T*>(nullptr), lanes, p, math::NoActivation{}, stream);
          continue;
        }
        for (int64_t g = 0, at = 0; g < s.groups; ++g, at += s.width()) {
          line_statistics(in + at, s.width(), eps, mean[g], invstd[g]);
          apply_line(to + at, in + at, w.data() + at, b.data() + at, s.width(), mean[g], invstd[g], stream);
        }
      }
    });
  });
}

void group_norm_backward(const GroupNormGrads& grads, const Tensor& dy, const GroupNormSaved& saved,
                         const GroupNormShape& s) {
  const std::vector<float> w = values_or(saved.weight, s.channels, 1), zeros(w.size());
  const bool need_affine = grads.dweight.defined(), need_dx = grads.dx.defined();
  const bool stream = need_dx && streams(grads.dx);
  std::vector<std::vector<double>> partial(static_cast<size_t>(parts_of(s)));
  visit_floating(dy.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    const Lanes lanes(s.rows, s.channels);
    for_each_part(s, [&](int64_t part, int64_t begin, int64_t end) {
      AffineSums affine(s.channels);
      for (int64_t n = begin; n < end; ++n) {
        const int64_t start = n * s.sample_size();
        const T *g = dy.data<T>() + start, *in = saved.x.data<T>() + start;
        T* to = need_dx ? grads.dx.data<T>() + start : nullptr;
        const float *mean = saved.mean.data<float>() + n * s.groups,
                    *invstd = saved.invstd.data<float>() + n * s.groups;
        if (s.rows > 1)
          sample_gradient(to, affine, g, in, lanes, s, sample_lanes(lanes, s, mean, invstd, w, zeros), w, invstd,
                          stream);
        for (int64_t k = 0, at = 0; s.rows == 1 && k < s.groups; ++k, at += s.width()) {
          if (need_affine)
            add_line_affine(affine.weight() + at, affine.bias() + at, g + at, in + at, s.width(), mean[k], invstd[k]);
          if (need_dx)
            line_input_gradient(to + at, g + at, in + at, w.data() + at, s.width(), mean[k], invstd[k], stream);
        }
        affine.end_sample();
      }
      partial[static_cast<size_t>(part)] = affine.finish();
    });
  });
  if (!need_affine) return;
  for (int64_t c = 0; c < s.channels; ++c) {
    Pair sums;
    for (const std::vector<double>& p : partial) {
      sums.first += p[static_cast<size_t>(c)];
      sums.second += p[static_cast<size_t>(c + s.channels)];
    }
    grads.dweight.data<float>()[c] = static_cast<float>(sums.first);
    grads.dbias.data<float>()[c] = static_cast<float>(sums.second);
  }
}

}  // namespace gw::kernels::cpu
