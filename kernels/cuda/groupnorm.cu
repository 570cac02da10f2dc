// Group norm. Where a sample is many rows of channels (images), threads keep to their columns, as in batch norm, and
// the grid's third dimension goes over samples: forward reads x twice and writes y once, backward reads x and dy twice
// and writes dx once. Where a sample is a single row (layer norm), each group is a line for a team of threads: forward
// reads x once (its second reading is served by the caches) and writes y, backward reads x and dy and writes dx, and
// reads both once more, column by column, if weight and bias want gradients.
#include "kernels/cuda/groupnorm.h"

#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/lines.h"
#include "kernels/math/batchnorm.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

using math::BatchNormChannel;
using math::BatchNormSlope;

/// What maps x to y; weight and bias may be null.
struct GroupVectors {
  const float *mean, *invstd, *weight, *bias;

  __device__ float weight_at(int64_t c) const { return weight ? weight[c] : 1.0f; }
  __device__ float bias_at(int64_t c) const { return bias ? bias[c] : 0.0f; }
  /// Channel c, whose group is number `group` of all samples' groups.
  __device__ BatchNormChannel at(int64_t group, int64_t c) const {
    return {mean[group], weight_at(c) * invstd[group], bias_at(c)};
  }
};

// --- samples of many rows

/// The thread's channel for element k of its pack, and the group of that channel in sample n.
template <int V>
struct Columns {
  int channel[V], group[V];

  __device__ Columns(const RowPlace& place, const GroupNormShape& s) {
#pragma unroll
    for (int k = 0; k < V; ++k) {
      channel[k] = (place.column * V + k) % static_cast<int>(s.channels);
      group[k] = channel[k] / static_cast<int>(s.width());
    }
  }
};

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

// --- samples of one row

/// V neighbouring floats of a vector, or V times `otherwise` if there is none.
template <int V>
__device__ Pack<float, V> floats_at(const float* vector, int64_t c, float otherwise) {
  if (vector) return load_pack<V>(vector + c);
  Pack<float, V> values;
#pragma unroll
  for (int k = 0; k < V; ++k) values.at[k] = otherwise;
  return values;
}

__device__ inline float2 add_both(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }

/// y, mean and invstd of each line. The sums are of the distances to the line's first element.
template <int V, Team kTeam, class T>
__global__ void group_norm_lines(T* y, float* mean_out, float* invstd_out, const T* x, const float* weight,
                                 const float* bias, int64_t groups, float eps, LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    const auto length = static_cast<float>(team.shape.length), shift = static_cast<float>(x[place.offset]);
    float2 sums = make_float2(0, 0);
    team.template for_each<V>(
        place,
        [&](int64_t, int64_t, const Pack<float, V>& p) {
#pragma unroll
          for (int k = 0; k < V; ++k) {
            const float d = p.at[k] - shift;
            sums.x += d;
            sums.y += d * d;
          }
        },
        x);
    sums = team.combine(sums, make_float2(0, 0), add_both);
    const float distance = sums.x / length, variance = sums.y / length - distance * distance;
    const float mean = shift + distance, invstd = 1 / sqrtf((variance > 0 ? variance : 0.0f) + eps);
    if (place.there && place.rank == 0) {
      mean_out[place.line] = mean;
      invstd_out[place.line] = invstd;
    }
    const int64_t first = place.line % groups * team.shape.length;
    team.template for_each<V>(
        place,
        [&](int64_t k, int64_t c, const Pack<float, V>& p) {
          const auto w = floats_at<V>(weight, first + c, 1), b = floats_at<V>(bias, first + c, 0);
          float result[V];
#pragma unroll
          for (int i = 0; i < V; ++i) result[i] = math::batch_norm(p.at[i], {mean, w.at[i] * invstd, b.at[i]});
          store_pack<V>(y + k, result);
        },
        x);
  }
}

/// dx of each line.
template <int V, Team kTeam, class T>
__global__ void group_norm_lines_backward(T* dx, const T* dy, const T* x, const float* means, const float* invstds,
                                          const float* weight, int64_t groups, LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    const float mean = means[place.line], invstd = invstds[place.line];
    const int64_t first = place.line % groups * team.shape.length;
    float2 sums = make_float2(0, 0);
    team.template for_each<V>(
        place,
        [&](int64_t, int64_t c, const Pack<float, V>& g, const Pack<float, V>& p) {
          const auto w = floats_at<V>(weight, first + c, 1);
#pragma unroll
          for (int i = 0; i < V; ++i) {
            const float dz = g.at[i] * w.at[i];
            sums.x += dz;
            sums.y += dz * (p.at[i] - mean);
          }
        },
        dy, x);
    sums = team.combine(sums, make_float2(0, 0), add_both);
    const float share = invstd / static_cast<float>(team.shape.length);
    const BatchNormSlope slope{share * sums.x, share * invstd * invstd * sums.y};
    team.template for_each<V>(
        place,
        [&](int64_t k, int64_t c, const Pack<float, V>& g, const Pack<float, V>& p) {
          const auto w = floats_at<V>(weight, first + c, 1);
          float result[V];
#pragma unroll
          for (int i = 0; i < V; ++i)
            result[i] = math::batch_norm_dx(g.at[i], p.at[i], {mean, w.at[i] * invstd, 0.0f}, slope);
          store_pack<V>(dx + k, result);
        },
        dy, x);
  }
}

/// Per block, every channel's sums of dy * xhat and of dy over the block's samples. Reads dy and x once.
template <int V, class T>
__global__ void __launch_bounds__(kRowThreads, 2)
    group_norm_affine_sums(float2* partial, const T* dy, const T* x, GroupVectors vectors, GroupNormShape s,
                           PackRows p) {
  const RowPlace place = row_place(p);
  const Columns<V> columns(place, s);
  float sum[V] = {}, products[V] = {};
#pragma unroll 4
  for (int64_t n = place.begin + threadIdx.y; n < place.end; n += blockDim.y) {
    const int64_t at = (n * p.columns + place.column) * V;
    const Pack<T, V> g = load<V>(dy + at), in = load<V>(x + at);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const int64_t group = n * s.groups + columns.group[k];
      const float gradient = static_cast<float>(g.at[k]);
      sum[k] += gradient;
      products[k] += gradient * (static_cast<float>(in.at[k]) - vectors.mean[group]) * vectors.invstd[group];
    }
  }
  sum_columns<V>(products, sum);
  if (threadIdx.y > 0 || place.column >= p.columns) return;
#pragma unroll
  for (int k = 0; k < V; ++k) partial_at<V>(partial, place.column, k) = make_float2(products[k], sum[k]);
}

// --- launchers

const float* floats(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

/// Blocks that sum are few, so that there are few partial results; blocks that map are more, to even out the load.
int64_t summing_blocks(const Tensor& t) { return 4 * int64_t{gw::cuda::multiprocessors(t.device())}; }
int64_t mapping_blocks(const Tensor& t) { return 32 * int64_t{gw::cuda::multiprocessors(t.device())}; }
constexpr int64_t kLeastRows = 8;

/// `blocks` in all, shared by the samples.
RowLaunch sample_launch(const GroupNormShape& s, int64_t rows, int columns, int pack, int64_t blocks) {
  constexpr int64_t kMostInGrid = 65535;
  RowLaunch r = row_launch(rows, columns, pack, static_cast<int>(s.channels), std::max<int64_t>(1, blocks / s.samples),
                           kLeastRows);
  r.grid.z = static_cast<unsigned>(std::min(s.samples, kMostInGrid));
  return r;
}

Tensor new_partials(int64_t samples, const RowLaunch& r, const Tensor& like) {
  return empty({samples, r.lanes, static_cast<int64_t>(r.grid.x), 2}, {.device = like.device()});
}
float2* partials(const Tensor& t) { return reinterpret_cast<float2*>(t.data<float>()); }

LaunchShape warps(const char* kernel, int64_t count) {
  return {kernel, blocks_for(count * kWarpSize, kRowThreads), kRowThreads};
}

void finish_affine(const GroupNormGrads& grads, const Tensor& partial, int64_t samples, int64_t channels,
                   const RowLaunch& r) {
  launch(stream_for(partial), warps("group_norm_finish_affine", channels), group_norm_finish_affine,
         grads.dweight.data<float>(), grads.dbias.data<float>(), partials(partial), samples, static_cast<int>(channels),
         r.lanes, static_cast<int>(r.grid.x));
}

/// Calls run(team, V as a constant, launch) for the lines of samples of one row.
template <class T, class Run>
void for_lines(const char* kernel, Device device, const GroupNormShape& s, bool aligned,
               std::initializer_list<const float*> vectors, const Run& run) {
  for (const float* v : vectors) aligned = aligned && is_aligned(v, 4);
  with_line_team<T>(kernel, device, LineShape{s.samples * s.groups, s.width(), 1}, aligned, run);
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
void line_forward(const GroupNormResult& out, const T* x, const GroupVectors& v, const GroupNormShape& s, double eps) {
  T* const y = out.y.data<T>();
  const bool aligned = is_aligned(x, kPackOf<T>) && is_aligned(y, kPackOf<T>);
  for_lines<T>("group_norm_lines", out.y.device(), s, aligned, {v.weight, v.bias},
               [&]<Team kTeam>(LineTeam<kTeam> team, auto pack, const LaunchShape& shape) {
                 launch(stream_for(out.y), shape, group_norm_lines<pack, kTeam, T>, y, out.mean.data<float>(),
                        out.invstd.data<float>(), x, v.weight, v.bias, s.groups, static_cast<float>(eps), team);
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

template <class T>
void line_backward(const GroupNormGrads& grads, const Tensor& dy, const T* x, const GroupVectors& v,
                   const GroupNormShape& s) {
  const Stream stream = stream_for(dy);
  const T* const g = dy.data<T>();
  T* const dx = grads.dx.defined() ? grads.dx.data<T>() : nullptr;
  constexpr int kPack = kPackOf<T>;
  const bool aligned = is_aligned(x, kPack) && is_aligned(g, kPack) && is_aligned(dx, kPack);
  if (dx)
    for_lines<T>("group_norm_lines_backward", dy.device(), s, aligned, {v.weight},
                 [&]<Team kTeam>(LineTeam<kTeam> team, auto pack, const LaunchShape& shape) {
                   launch(stream, shape, group_norm_lines_backward<pack, kTeam, T>, dx, g, x, v.mean, v.invstd,
                          v.weight, s.groups, team);
                 });
  if (!grads.dweight.defined()) return;
  const auto sum = [&](auto pack) {
    const RowLaunch r = row_launch(s.samples, static_cast<int>(s.channels) / pack, pack, static_cast<int>(s.channels),
                                   summing_blocks(dy), kLeastRows);
    const Tensor partial = new_partials(1, r, dy);
    launch(stream, {"group_norm_affine_sums", r.grid, r.block, sum_bytes(r, pack)}, group_norm_affine_sums<pack, T>,
           partials(partial), g, x, v, s, r.rows);
    finish_affine(grads, partial, 1, s.channels, r);
  };
  if (aligned && s.channels % kPack == 0) return sum(std::integral_constant<int, kPack>{});
  sum(std::integral_constant<int, 1>{});
}

}  // namespace

void group_norm_forward(const GroupNormResult& out, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const GroupNormShape& s, double eps) {
  const GroupVectors vectors{out.mean.data<float>(), out.invstd.data<float>(), floats(weight), floats(bias)};
  visit_floating(x.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    (s.rows > 1 ? sample_forward<T> : line_forward<T>)(out, x.data<T>(), vectors, s, eps);
  });
}

void group_norm_backward(const GroupNormGrads& grads, const Tensor& dy, const GroupNormSaved& saved,
                         const GroupNormShape& s) {
  const GroupVectors vectors{saved.mean.data<float>(), saved.invstd.data<float>(), floats(saved.weight), nullptr};
  visit_floating(dy.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    (s.rows > 1 ? sample_backward<T> : line_backward<T>)(grads, dy, saved.x.data<T>(), vectors, s);
  });
}

}  // namespace gw::kernels::cuda
