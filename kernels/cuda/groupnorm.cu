// Group norm of samples of many rows of channels (images). Threads keep to their columns, as in batch norm, and the
// grid's third dimension goes over samples: forward reads x twice and writes y once, backward reads x and dy twice and
// writes dx once.
#include "kernels/cuda/groupnorm.h"

#include "kernels/cuda/groupnorm_parts.h"

namespace gw::kernels::cuda {
namespace {

using math::BatchNormChannel;
using math::BatchNormSlope;

/// Where a block leaves the sums of a sample.
template <int V>
__device__ float2* partial_of_sample(float2* partial, int64_t n, const PackRows& p) {
  return partial + n * p.columns * V * gridDim.x;
}

/// Per sample and block, every lane's mean and sum of squared distances from it. Reads x once. As in batch norm, the
/// sums are of the distances to the block's first row, so that they hardly cancel.
template <int V, class T>
__global__ void __launch_bounds__(kRowThreads, 3)
    group_norm_moments(float2* partial, const T* x, GroupNormShape s, PackRows p) {
  const RowPlace place = row_place(p);
  for (int64_t n = blockIdx.z; n < s.samples; n += gridDim.z) {
    const T* const in = x + n * s.sample_size();
    float shift[V] = {}, sum[V] = {}, squares[V] = {};
    if (place.column < p.columns) {
      const Pack<T, V> first = load<V>(in + (place.begin * p.columns + place.column) * V);
#pragma unroll
      for (int k = 0; k < V; ++k) shift[k] = static_cast<float>(first.at[k]);
    }
    for_thread_rows<V, V == 1 ? 8 : 4>(
        p, place, [&](int64_t at) { return load<V>(in + at); },
        [&](int64_t, const Pack<T, V>& pack) {
#pragma unroll
          for (int k = 0; k < V; ++k) {
            const float d = static_cast<float>(pack.at[k]) - shift[k];
            sum[k] += d;
            squares[k] += d * d;
          }
        });
    sum_columns<V>(sum, squares);
    if (threadIdx.y > 0 || place.column >= p.columns) continue;
    const auto rows = static_cast<float>(p.rows_of_block(blockIdx.x));
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const float mean = sum[k] / rows, rest = squares[k] - sum[k] * mean;
      partial_at<V>(partial_of_sample<V>(partial, n, p), place.column, k) =
          make_float2(shift[k] + mean, rest > 0.0f ? rest : 0.0f);
    }
  }
}

/// The partial results of a group: calls use(result, block, channel) for the calling lane's share.
template <class Use>
__device__ void for_group_partials(const float2* partial, int64_t group, const GroupNormShape& s, int lanes, int blocks,
                                   const Use& use) {
  const int64_t n = group / s.groups, first = group % s.groups * s.width();
  const int width = static_cast<int>(s.width()), repeats = lanes / static_cast<int>(s.channels);
  const int count = repeats * width * blocks;
  for (int i = static_cast<int>(threadIdx.x) % kWarpSize; i < count; i += kWarpSize) {
    const int block = i % blocks, channel = i / blocks % width, repeat = i / blocks / width;
    const int64_t lane = repeat * s.channels + first + channel;
    use(partial[(n * lanes + lane) * blocks + block], block, first + channel);
  }
}

/// The group of the calling warp.
__device__ inline int64_t warp_number() {
  return (static_cast<int64_t>(blockIdx.x) * kRowThreads + threadIdx.x) / kWarpSize;
}

/// One warp per sample and group merges its lanes' moments, in an order that depends on nothing but the shape.
__global__ void __launch_bounds__(kRowThreads)
    group_norm_finish_statistics(float* mean, float* invstd, const float2* partial, GroupNormShape s, PackRows p,
                                 int lanes, int blocks, double eps) {
  const int64_t group = warp_number();
  CountedMoments total{0, 0, 0};
  if (group < s.samples * s.groups)
    for_group_partials(partial, group, s, lanes, blocks, [&](float2 found, int block, int64_t) {
      total = total + CountedMoments{static_cast<double>(p.rows_of_block(block)), found.x, found.y};
    });
  total = warp_total(total);
  if (threadIdx.x % kWarpSize != 0 || group >= s.samples * s.groups) return;
  mean[group] = static_cast<float>(total.mean);
  invstd[group] = static_cast<float>(1 / sqrt(total.squares / total.n + eps));
}

/// y from x, each accessed once.
template <int V, class T>
__global__ void __launch_bounds__(kRowThreads, 2)
    group_norm_apply(T* y, const T* x, GroupVectors vectors, GroupNormShape s, PackRows p) {
  const RowPlace place = row_place(p);
  const Columns<V> columns(place, s);
  for (int64_t n = blockIdx.z; n < s.samples; n += gridDim.z) {
    BatchNormChannel channel[V];
#pragma unroll
    for (int k = 0; k < V; ++k) channel[k] = vectors.at(n * s.groups + columns.group[k], columns.channel[k]);
    const int64_t start = n * s.sample_size();
    for_thread_rows<V, V == 1 ? 8 : 4>(
        p, place, [&](int64_t at) { return load<V>(x + start + at); },
        [&](int64_t at, const Pack<T, V>& in) {
          Pack<T, V> out;
#pragma unroll
          for (int k = 0; k < V; ++k)
            out.at[k] = static_cast<T>(math::batch_norm(static_cast<float>(in.at[k]), channel[k]));
          *reinterpret_cast<Pack<T, V>*>(y + start + at) = out;
        });
  }
}

/// Per sample and block, every lane's sums of dy * xhat and of dy. Reads dy and x once.
template <int V, class T>
__global__ void __launch_bounds__(kRowThreads, 2)
    group_norm_gradient_sums(float2* partial, const T* dy, const T* x, GroupVectors vectors, GroupNormShape s,
                             PackRows p) {
  const RowPlace place = row_place(p);
  const Columns<V> columns(place, s);
  for (int64_t n = blockIdx.z; n < s.samples; n += gridDim.z) {
    float mean[V], sum[V] = {}, products[V] = {};
#pragma unroll
    for (int k = 0; k < V; ++k) mean[k] = vectors.mean[n * s.groups + columns.group[k]];
    const int64_t start = n * s.sample_size();
    for_thread_rows<V, V == 1 ? 8 : 4>(
        p, place,
        [&](int64_t at) {
          return Packs<T, V, 2>{{load<V>(dy + start + at), load<V>(x + start + at)}};
        },
        [&](int64_t, const Packs<T, V, 2>& in) {
#pragma unroll
          for (int k = 0; k < V; ++k) {
            const float g = static_cast<float>(in.at[0].at[k]);
            sum[k] += g;
            products[k] += g * (static_cast<float>(in.at[1].at[k]) - mean[k]);
          }
        });
    sum_columns<V>(products, sum);
    if (threadIdx.y > 0 || place.column >= p.columns) continue;
#pragma unroll
    for (int k = 0; k < V; ++k)
      partial_at<V>(partial_of_sample<V>(partial, n, p), place.column, k) =
          make_float2(products[k] * vectors.invstd[n * s.groups + columns.group[k]], sum[k]);
  }
}

/// One warp per sample and group: what dx is made of besides dy.
__global__ void __launch_bounds__(kRowThreads)
    group_norm_finish_slopes(BatchNormSlope* slopes, const float2* partial, GroupVectors vectors, GroupNormShape s,
                             int lanes, int blocks) {
  const int64_t group = warp_number();
  double sum = 0, products = 0;
  if (group < s.samples * s.groups)
    for_group_partials(partial, group, s, lanes, blocks, [&](float2 found, int, int64_t c) {
      const float w = vectors.weight_at(c);
      products += found.x * w;
      sum += found.y * w;
    });
  sum = warp_sum(sum);
  products = warp_sum(products);
  if (threadIdx.x % kWarpSize != 0 || group >= s.samples * s.groups) return;
  const double invstd = vectors.invstd[group], count = static_cast<double>(s.rows * s.width());
  slopes[group] = {static_cast<float>(invstd * sum / count), static_cast<float>(invstd * invstd * products / count)};
}

/// One warp per channel adds up all that samples and blocks found for it.
__global__ void __launch_bounds__(kRowThreads)
    group_norm_finish_affine(float* dweight, float* dbias, const float2* partial, int64_t samples, int channels,
                             int lanes, int blocks) {
  const int channel = static_cast<int>(warp_number()), repeats = lanes / channels;
  const int count = static_cast<int>(samples) * repeats * blocks;
  double products = 0, sum = 0;
  if (channel < channels)
    for (int i = static_cast<int>(threadIdx.x) % kWarpSize; i < count; i += kWarpSize) {
      const int row = i / blocks, n = row / repeats, lane = row % repeats * channels + channel;
      const float2 found = partial[(static_cast<int64_t>(n) * lanes + lane) * blocks + i % blocks];
      products += found.x;
      sum += found.y;
    }
  products = warp_sum(products);
  sum = warp_sum(sum);
  if (threadIdx.x % kWarpSize != 0 || channel >= channels) return;
  dweight[channel] = static_cast<float>(products);
  dbias[channel] = static_cast<float>(sum);
}

/// dx from dy and x, each accessed once.
template <int V, class T>
__global__ void __launch_bounds__(kRowThreads, 2)
    group_norm_input_gradient(T* dx, const T* dy, const T* x, GroupVectors vectors, const BatchNormSlope* slopes,
                              GroupNormShape s, PackRows p) {
  const RowPlace place = row_place(p);
  const Columns<V> columns(place, s);
  for (int64_t n = blockIdx.z; n < s.samples; n += gridDim.z) {
    BatchNormChannel channel[V];
    BatchNormSlope slope[V];
#pragma unroll
    for (int k = 0; k < V; ++k) {
      channel[k] = vectors.at(n * s.groups + columns.group[k], columns.channel[k]);
      slope[k] = slopes[n * s.groups + columns.group[k]];
    }
    const int64_t start = n * s.sample_size();
    for_thread_rows<V, V == 1 ? 8 : 4>(
        p, place,
        [&](int64_t at) {
          return Packs<T, V, 2>{{load<V>(dy + start + at), load<V>(x + start + at)}};
        },
        [&](int64_t at, const Packs<T, V, 2>& in) {
          Pack<T, V> out;
#pragma unroll
          for (int k = 0; k < V; ++k)
            out.at[k] = static_cast<T>(math::batch_norm_dx(static_cast<float>(in.at[0].at[k]),
                                                           static_cast<float>(in.at[1].at[k]), channel[k], slope[k]));
          *reinterpret_cast<Pack<T, V>*>(dx + start + at) = out;
        });
  }
}

const float* floats(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

/// Blocks that map are more than those that sum, to even out the load.
int64_t mapping_blocks(const Tensor& t) { return 32 * int64_t{gw::cuda::multiprocessors(t.device())}; }

/// `blocks` in all, shared by the samples.
RowLaunch sample_launch(const GroupNormShape& s, int64_t rows, int columns, int pack, int64_t blocks) {
  constexpr int64_t kMostInGrid = 65535;
  RowLaunch r = row_launch(rows, columns, pack, static_cast<int>(s.channels), std::max<int64_t>(1, blocks / s.samples),
                           kLeastRows);
  r.grid.z = static_cast<unsigned>(std::min(s.samples, kMostInGrid));
  return r;
}

LaunchShape warps(const char* kernel, int64_t count) {
  return {kernel, blocks_for(count * kWarpSize, kRowThreads), kRowThreads};
}

template <class T>
void sample_forward(const GroupNormResult& out, const T* x, const GroupVectors& vectors, const GroupNormShape& s,
                    double eps) {
  const Stream stream = stream_for(out.y);
  T* const y = out.y.data<T>();
  const bool aligned = is_aligned(x, kPackOf<T>) && is_aligned(y, kPackOf<T>);
  with_row_packs<T>(s.sample_size(), s.channels, aligned, [&](auto pack, int64_t rows, int columns) {
    const RowLaunch r = sample_launch(s, rows, columns, pack, summing_blocks(out.y));
    const Tensor partial = new_partials(s.samples, r, out.y);
    launch(stream, {"group_norm_moments", r.grid, r.block, sum_bytes(r, pack)}, group_norm_moments<pack, T>,
           partials(partial), x, s, r.rows);
    launch(stream, warps("group_norm_finish_statistics", s.samples * s.groups), group_norm_finish_statistics,
           out.mean.data<float>(), out.invstd.data<float>(), partials(partial), s, r.rows, r.lanes,
           static_cast<int>(r.grid.x), eps);
    const RowLaunch a = sample_launch(s, rows, columns, pack, mapping_blocks(out.y));
    launch(stream, {"group_norm_apply", a.grid, a.block}, group_norm_apply<pack, T>, y, x, vectors, s, a.rows);
  });
}

template <class T>
void sample_backward(const GroupNormGrads& grads, const Tensor& dy, const T* x, const GroupVectors& vectors,
                     const GroupNormShape& s) {
  const Stream stream = stream_for(dy);
  const T* const g = dy.data<T>();
  T* const dx = grads.dx.defined() ? grads.dx.data<T>() : nullptr;
  constexpr int kPack = kPackOf<T>;
  const bool aligned = is_aligned(x, kPack) && is_aligned(g, kPack) && is_aligned(dx, kPack);
  with_row_packs<T>(s.sample_size(), s.channels, aligned, [&](auto pack, int64_t rows, int columns) {
    const RowLaunch r = sample_launch(s, rows, columns, pack, summing_blocks(dy));
    const Tensor partial = new_partials(s.samples, r, dy);
    launch(stream, {"group_norm_gradient_sums", r.grid, r.block, sum_bytes(r, pack)}, group_norm_gradient_sums<pack, T>,
           partials(partial), g, x, vectors, s, r.rows);
    if (grads.dweight.defined()) finish_affine(grads, partial, s.samples, s.channels, r);
    if (!dx) return;
    const Tensor slopes = empty({s.samples * s.groups, 2}, {.device = dy.device()});
    auto* const slope = reinterpret_cast<BatchNormSlope*>(slopes.data<float>());
    launch(stream, warps("group_norm_finish_slopes", s.samples * s.groups), group_norm_finish_slopes, slope,
           partials(partial), vectors, s, r.lanes, static_cast<int>(r.grid.x));
    const RowLaunch a = sample_launch(s, rows, columns, pack, mapping_blocks(dy));
    launch(stream, {"group_norm_input_gradient", a.grid, a.block}, group_norm_input_gradient<pack, T>, dx, g, x,
           vectors, slope, s, a.rows);
  });
}

}  // namespace

void finish_affine(const GroupNormGrads& grads, const Tensor& partial, int64_t samples, int64_t channels,
                   const RowLaunch& r) {
  launch(stream_for(partial), warps("group_norm_finish_affine", channels), group_norm_finish_affine,
         grads.dweight.data<float>(), grads.dbias.data<float>(), partials(partial), samples, static_cast<int>(channels),
         r.lanes, static_cast<int>(r.grid.x));
}

void group_norm_forward(const GroupNormResult& out, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const GroupNormShape& s, double eps) {
  const GroupVectors vectors{out.mean.data<float>(), out.invstd.data<float>(), floats(weight), floats(bias)};
  if (s.rows == 1) return group_norm_lines_forward(out, x, vectors, s, eps);
  visit_floating(x.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    sample_forward<T>(out, x.data<T>(), vectors, s, eps);
  });
}

void group_norm_backward(const GroupNormGrads& grads, const Tensor& dy, const GroupNormSaved& saved,
                         const GroupNormShape& s) {
  const GroupVectors vectors{saved.mean.data<float>(), saved.invstd.data<float>(), floats(saved.weight), nullptr};
  if (s.rows == 1) return group_norm_lines_backward(grads, dy, saved.x, vectors, s);
  visit_floating(dy.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    sample_backward<T>(grads, dy, saved.x.data<T>(), vectors, s);
  });
}

}  // namespace gw::kernels::cuda
