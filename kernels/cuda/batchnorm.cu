// Batch norm, with its activation and its residual, in as few passes over the activations as there can be: forward
// reads x twice and writes y once; backward reads x and dy twice and writes dx once. What lies between two passes is
// small: partial sums, a few per channel and block, that a second kernel adds up in a fixed order.
#include "kernels/cuda/batchnorm.h"

#include "kernels/cuda/column_sums.h"
#include "kernels/math/batchnorm.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

using math::BatchNormChannel;
using math::BatchNormSlope;

/// What maps x to y, as vectors over the channels; weight and bias may be null.
struct ChannelVectors {
  const float *mean, *invstd, *weight, *bias;

  __device__ BatchNormChannel at(int c) const {
    return {mean[c], (weight ? weight[c] : 1.0f) * invstd[c], bias ? bias[c] : 0.0f};
  }
};

/// The mean of every lane over the block's rows, and the sum of squared distances from it. Reads x once (4 loads of 16
/// bytes in flight per thread).
///
/// The sums are taken of the distances to the block's first row. That row is among those summed, so that no more than
/// log10(rows) of a float's 7 digits cancel, however far the mean is from zero.
template <int V, class T>
__global__ void __launch_bounds__(kRowThreads, 3) batch_norm_moments(float2* partial, const T* x, PackRows p) {
  const RowPlace place = row_place(p);
  float shift[V] = {}, sum[V] = {}, squares[V] = {};
  if (place.column < p.columns) {
    const Pack<T, V> first = load<V>(x + (place.begin * p.columns + place.column) * V);
#pragma unroll
    for (int k = 0; k < V; ++k) shift[k] = static_cast<float>(first.at[k]);
  }
  for_thread_rows<V, V == 1 ? 8 : 4>(
      p, place, [&](int64_t at) { return load<V>(x + at); },
      [&](int64_t, const Pack<T, V>& in) {
#pragma unroll
        for (int k = 0; k < V; ++k) {
          const float d = static_cast<float>(in.at[k]) - shift[k];
          sum[k] += d;
          squares[k] += d * d;
        }
      });
  sum_columns<V>(sum, squares);
  if (threadIdx.y > 0 || place.column >= p.columns) return;
  const auto n = static_cast<float>(p.rows_of_block(blockIdx.x));
#pragma unroll
  for (int k = 0; k < V; ++k) {
    const float mean = sum[k] / n, rest = squares[k] - sum[k] * mean;
    partial_at<V>(partial, place.column, k) = make_float2(shift[k] + mean, rest > 0.0f ? rest : 0.0f);
  }
}

/// One warp per channel merges what the blocks found, in an order that depends on nothing but the shape, and writes the
/// channel's mean and invstd and updates its running statistics. Reads 8 bytes per lane and block.
__global__ void __launch_bounds__(kRowThreads)
    batch_norm_finish_statistics(math::BatchNormStatistics out, const float2* partial, PackRows p, int lanes,
                                 int blocks) {
  const int thread = static_cast<int>(blockIdx.x * kRowThreads + threadIdx.x);
  const int channel = thread / kWarpSize, lane = thread % kWarpSize;
  CountedMoments total{0, 0, 0};
  if (channel < p.channels)
    for (int l = channel; l < lanes; l += p.channels)
      for (int b = lane; b < blocks; b += kWarpSize) {
        const float2 found = partial[static_cast<int64_t>(l) * blocks + b];
        total = total + CountedMoments{static_cast<double>(p.rows_of_block(b)), found.x, found.y};
      }
  total = warp_total(total);
  if (lane == 0 && channel < p.channels) out.finish(channel, total.n, total.mean, total.squares);
}

/// y = act(batch_norm(x) + residual). A thread reads its channels' parameters once, then 16 bytes of x (and of the
/// residual) and writes 16 of y for each of its rows: 2 (3) accesses per element.
template <int V, bool kResidual, class T, class Act>
__global__ void __launch_bounds__(kRowThreads, 3)
    batch_norm_apply(T* y, const T* x, const T* residual, ChannelVectors vectors, PackRows p, Act act) {
  constexpr int kInputs = kResidual ? 2 : 1;
  const RowPlace place = row_place(p);
  BatchNormChannel channel[V];
#pragma unroll
  for (int k = 0; k < V; ++k) channel[k] = vectors.at((place.column * V + k) % p.channels);
  for_thread_rows<V, V == 1 ? 8 : 4>(
      p, place,
      [&](int64_t at) {
        Packs<T, V, kInputs> in;
        in.at[0] = load<V>(x + at);
        if constexpr (kResidual) in.at[1] = load<V>(residual + at);
        return in;
      },
      [&](int64_t at, const Packs<T, V, kInputs>& in) {
        Pack<T, V> out;
#pragma unroll
        for (int k = 0; k < V; ++k) {
          float z = math::batch_norm(static_cast<float>(in.at[0].at[k]), channel[k]);
          if constexpr (kResidual) z += static_cast<float>(in.at[1].at[k]);
          out.at[k] = static_cast<T>(act.value(z));
        }
        *reinterpret_cast<Pack<T, V>*>(y + at) = out;
      });
}

/// Per block and lane, the sums of dz and of dz * (x - mean), where dz = dy * act'(z). Reads dy and x once and computes
/// z again; with kFromOutput it reads the sign of z off y instead and writes dz, which the residual's gradient is.
template <int V, bool kFromOutput, class T, class Act>
__global__ void __launch_bounds__(kRowThreads, 2)
    batch_norm_gradient_sums(float2* partial, T* dz_out, const T* dy, const T* x, const T* y, ChannelVectors vectors,
                             PackRows p, Act act) {
  constexpr int kInputs = kFromOutput ? 3 : 2;
  const RowPlace place = row_place(p);
  BatchNormChannel channel[V];
#pragma unroll
  for (int k = 0; k < V; ++k) channel[k] = vectors.at((place.column * V + k) % p.channels);
  float sum[V] = {}, products[V] = {};
  for_thread_rows<V, V == 1 ? 8 : 4>(
      p, place,
      [&](int64_t at) {
        Packs<T, V, kInputs> in;
        in.at[0] = load<V>(dy + at);
        in.at[1] = load<V>(x + at);
        if constexpr (kFromOutput) in.at[2] = load<V>(y + at);
        return in;
      },
      [&](int64_t at, const Packs<T, V, kInputs>& in) {
        Pack<T, V> out;
#pragma unroll
        for (int k = 0; k < V; ++k) {
          const float v = static_cast<float>(in.at[1].at[k]);
          float dz = static_cast<float>(in.at[0].at[k]);
          if constexpr (kFromOutput)
            dz *= act.slope_from_output(static_cast<float>(in.at[2].at[k]));
          else
            dz *= act.slope(math::batch_norm(v, channel[k]));
          sum[k] += dz;
          products[k] += dz * (v - channel[k].mean);
          if constexpr (kFromOutput) out.at[k] = static_cast<T>(dz);
        }
        if constexpr (kFromOutput) *reinterpret_cast<Pack<T, V>*>(dz_out + at) = out;
      });
  sum_columns<V>(sum, products);
  if (threadIdx.y > 0 || place.column >= p.columns) return;
#pragma unroll
  for (int k = 0; k < V; ++k) partial_at<V>(partial, place.column, k) = make_float2(sum[k], products[k]);
}

/// One warp per channel adds up the blocks' sums: dbias is the first, dweight the second times invstd.
__global__ void __launch_bounds__(kRowThreads)
    batch_norm_finish_gradients(float* dweight, float* dbias, const float* invstd, const float2* partial, int channels,
                                int lanes, int blocks) {
  const int thread = static_cast<int>(blockIdx.x * kRowThreads + threadIdx.x);
  const int channel = thread / kWarpSize, lane = thread % kWarpSize;
  double sum = 0, products = 0;
  if (channel < channels)
    for (int l = channel; l < lanes; l += channels)
      for (int b = lane; b < blocks; b += kWarpSize) {
        const float2 found = partial[static_cast<int64_t>(l) * blocks + b];
        sum += found.x;
        products += found.y;
      }
  sum = warp_sum(sum);
  products = warp_sum(products);
  if (lane > 0 || channel >= channels) return;
  dbias[channel] = static_cast<float>(sum);
  dweight[channel] = static_cast<float>(products * invstd[channel]);
}

/// dx from dy and x, each read once; dx is written once. `per_row` is 1 / R in training, and 0 in inference, where no
/// statistic depends on x.
template <int V, class T, class Act>
__global__ void __launch_bounds__(kRowThreads, 2)
    batch_norm_input_gradient(T* dx, const T* dy, const T* x, ChannelVectors vectors, const float* dweight,
                              const float* dbias, float per_row, PackRows p, Act act) {
  const RowPlace place = row_place(p);
  BatchNormChannel channel[V];
  BatchNormSlope slope[V];
#pragma unroll
  for (int k = 0; k < V; ++k) {
    const int c = (place.column * V + k) % p.channels;
    channel[k] = vectors.at(c);
    slope[k].a = channel[k].scale * dbias[c] * per_row;
    slope[k].b = channel[k].scale * vectors.invstd[c] * dweight[c] * per_row;
  }
  for_thread_rows<V, V == 1 ? 8 : 4>(
      p, place,
      [&](int64_t at) {
        return Packs<T, V, 2>{{load<V>(dy + at), load<V>(x + at)}};
      },
      [&](int64_t at, const Packs<T, V, 2>& in) {
        Pack<T, V> out;
#pragma unroll
        for (int k = 0; k < V; ++k) {
          const float v = static_cast<float>(in.at[1].at[k]);
          const float dz = static_cast<float>(in.at[0].at[k]) * act.slope(math::batch_norm(v, channel[k]));
          out.at[k] = static_cast<T>(math::batch_norm_dx(dz, v, channel[k], slope[k]));
        }
        *reinterpret_cast<Pack<T, V>*>(dx + at) = out;
      });
}

const float* floats(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

/// Calls f with the activation as a type, so that each combination gets its own kernel.
template <class F>
void with_activation(const std::optional<GeneralReluOptions>& act, DType dtype, const F& f) {
  if (!act) return f(math::NoActivation{});
  f(math::GeneralReluActivation{math::general_relu_params(*act, dtype)});
}

/// Blocks of a kernel that sums: as many as the device runs at a time, so that there are few partial sums.
int64_t summing_blocks(const Tensor& t) { return 4 * int64_t{gw::cuda::multiprocessors(t.device())}; }
/// Blocks of a kernel that maps: enough to even out the load, few enough that reading the parameters does not count.
int64_t mapping_blocks(const Tensor& t) { return 32 * int64_t{gw::cuda::multiprocessors(t.device())}; }
/// Least rows of a thread, so that what it does once per column does not count.
constexpr int64_t kLeastRows = 8;

/// Two f32 per lane and block.
Tensor new_partials(const RowLaunch& r, const Tensor& like) {
  return empty({r.lanes, static_cast<int64_t>(r.grid.x), 2}, {.device = like.device()});
}
float2* partials(const Tensor& t) { return reinterpret_cast<float2*>(t.data<float>()); }

LaunchShape warp_per_channel(const char* kernel, int channels) {
  return {kernel, blocks_for(int64_t{channels} * kWarpSize, kRowThreads), kRowThreads};
}

}  // namespace

void batch_norm_statistics(const Tensor& mean, const Tensor& invstd, const Tensor& running_mean,
                           const Tensor& running_var, const Tensor& x, const BatchNormOptions& o) {
  const math::BatchNormStatistics out{mean.data<float>(),
                                      invstd.data<float>(),
                                      running_mean.defined() ? running_mean.data<float>() : nullptr,
                                      running_var.defined() ? running_var.data<float>() : nullptr,
                                      o.momentum,
                                      o.eps};
  const Stream stream = stream_for(x);
  const auto channels = static_cast<int>(mean.numel());
  visit_floating(x.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const T* in = x.data<T>();
    with_row_packs<T>(x.numel(), channels, is_aligned(in, kPackOf<T>), [&](auto pack, int64_t rows, int columns) {
      const RowLaunch r = row_launch(rows, columns, pack, channels, summing_blocks(x), kLeastRows);
      const Tensor partial = new_partials(r, x);
      launch(stream, {"batch_norm_moments", r.grid, r.block, sum_bytes(r, pack)}, batch_norm_moments<pack, T>,
             partials(partial), in, r.rows);
      launch(stream, warp_per_channel("batch_norm_finish_statistics", channels), batch_norm_finish_statistics, out,
             partials(partial), r.rows, r.lanes, static_cast<int>(r.grid.x));
    });
  });
}

void batch_norm_apply(const Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& weight,
                      const Tensor& bias, const Tensor& mean, const Tensor& invstd,
                      const std::optional<GeneralReluOptions>& act) {
  const ChannelVectors vectors{mean.data<float>(), invstd.data<float>(), floats(weight), floats(bias)};
  const auto channels = static_cast<int>(mean.numel());
  visit_floating(x.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    T* out = y.data<T>();
    const T *in = x.data<T>(), *r = residual.defined() ? residual.data<T>() : nullptr;
    constexpr int kPack = kPackOf<T>;
    const bool aligned = is_aligned(out, kPack) && is_aligned(in, kPack) && is_aligned(r, kPack);
    with_row_packs<T>(x.numel(), channels, aligned, [&](auto pack, int64_t rows, int columns) {
      const RowLaunch l = row_launch(rows, columns, pack, channels, mapping_blocks(x), kLeastRows);
      with_activation(act, y.dtype(), [&](auto a) {
        using Act = decltype(a);
        const auto kernel = r ? batch_norm_apply<pack, true, T, Act> : batch_norm_apply<pack, false, T, Act>;
        launch(stream_for(x), {"batch_norm_apply", l.grid, l.block}, kernel, out, in, r, vectors, l.rows, a);
      });
    });
  });
}

void batch_norm_backward_sums(const Tensor& dweight, const Tensor& dbias, const Tensor& dz, const Tensor& dy,
                              const BatchNormSaved& saved, const std::optional<GeneralReluOptions>& act) {
  const ChannelVectors vectors{saved.mean.data<float>(), saved.invstd.data<float>(), floats(saved.weight),
                               floats(saved.bias)};
  const Stream stream = stream_for(dy);
  const auto channels = static_cast<int>(saved.mean.numel());
  visit_floating(dy.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    const T *g = dy.data<T>(), *x = saved.x.data<T>(), *y = dz.defined() ? saved.y.data<T>() : nullptr;
    T* out = dz.defined() ? dz.data<T>() : nullptr;
    constexpr int kPack = kPackOf<T>;
    const bool aligned = is_aligned(g, kPack) && is_aligned(x, kPack) && is_aligned(y, kPack) && is_aligned(out, kPack);
    with_row_packs<T>(dy.numel(), channels, aligned, [&](auto pack, int64_t rows, int columns) {
      const RowLaunch r = row_launch(rows, columns, pack, channels, summing_blocks(dy), kLeastRows);
      const Tensor partial = new_partials(r, dy);
      with_activation(act, dy.dtype(), [&](auto a) {
        using Act = decltype(a);
        const auto kernel =
            out ? batch_norm_gradient_sums<pack, true, T, Act> : batch_norm_gradient_sums<pack, false, T, Act>;
        launch(stream, {"batch_norm_gradient_sums", r.grid, r.block, sum_bytes(r, pack)}, kernel, partials(partial),
               out, g, x, y, vectors, r.rows, a);
      });
      launch(stream, warp_per_channel("batch_norm_finish_gradients", channels), batch_norm_finish_gradients,
             dweight.data<float>(), dbias.data<float>(), vectors.invstd, partials(partial), channels, r.lanes,
             static_cast<int>(r.grid.x));
    });
  });
}

void batch_norm_backward_input(const Tensor& dx, const Tensor& dy, const BatchNormSaved& saved, const Tensor& dweight,
                               const Tensor& dbias, bool training, const std::optional<GeneralReluOptions>& act) {
  const ChannelVectors vectors{saved.mean.data<float>(), saved.invstd.data<float>(), floats(saved.weight),
                               floats(saved.bias)};
  const auto channels = static_cast<int>(saved.mean.numel());
  const float per_row = training ? static_cast<float>(channels) / static_cast<float>(dy.numel()) : 0.0f;
  visit_floating(dy.dtype(), "batch_norm", [&](auto v) {
    using T = decltype(v);
    T* out = dx.data<T>();
    const T *g = dy.data<T>(), *x = saved.x.data<T>();
    constexpr int kPack = kPackOf<T>;
    const bool aligned = is_aligned(out, kPack) && is_aligned(g, kPack) && is_aligned(x, kPack);
    with_row_packs<T>(dy.numel(), channels, aligned, [&](auto pack, int64_t rows, int columns) {
      const RowLaunch l = row_launch(rows, columns, pack, channels, mapping_blocks(dy), kLeastRows);
      with_activation(act, dy.dtype(), [&](auto a) {
        launch(stream_for(dy), {"batch_norm_input_gradient", l.grid, l.block},
               batch_norm_input_gradient<pack, T, decltype(a)>, out, g, x, vectors, dweight.data<float>(),
               dbias.data<float>(), per_row, l.rows, a);
      });
    });
  });
}

}  // namespace gw::kernels::cuda
