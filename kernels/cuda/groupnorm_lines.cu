// Group norm of samples of one row, such as layer norm's: each group is a line for a team of threads. Forward reads x
// once (its second reading is served by the caches) and writes y, backward reads x and dy and writes dx, and reads both
// once more, column by column, if weight and bias want gradients.
#include "kernels/cuda/groupnorm_parts.h"
#include "kernels/cuda/lines.h"

namespace gw::kernels::cuda {
namespace {

using math::BatchNormSlope;

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
__global__ void group_norm_line_gradients(T* dx, const T* dy, const T* x, const float* means, const float* invstds,
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

/// Calls run(team, V as a constant, launch) for the lines of samples of one row.
template <class T, class Run>
void for_lines(const char* kernel, Device device, const GroupNormShape& s, bool aligned,
               std::initializer_list<const float*> vectors, const Run& run) {
  for (const float* v : vectors) aligned = aligned && is_aligned(v, 4);
  with_line_team<T>(kernel, device, LineShape{s.samples * s.groups, s.width(), 1}, aligned, run);
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
void line_backward(const GroupNormGrads& grads, const Tensor& dy, const T* x, const GroupVectors& v,
                   const GroupNormShape& s) {
  const Stream stream = stream_for(dy);
  const T* const g = dy.data<T>();
  T* const dx = grads.dx.defined() ? grads.dx.data<T>() : nullptr;
  constexpr int kPack = kPackOf<T>;
  const bool aligned = is_aligned(x, kPack) && is_aligned(g, kPack) && is_aligned(dx, kPack);
  if (dx)
    for_lines<T>("group_norm_line_gradients", dy.device(), s, aligned, {v.weight},
                 [&]<Team kTeam>(LineTeam<kTeam> team, auto pack, const LaunchShape& shape) {
                   launch(stream, shape, group_norm_line_gradients<pack, kTeam, T>, dx, g, x, v.mean, v.invstd,
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

void group_norm_lines_forward(const GroupNormResult& out, const Tensor& x, const GroupVectors& vectors,
                              const GroupNormShape& s, double eps) {
  visit_floating(x.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    line_forward<T>(out, x.data<T>(), vectors, s, eps);
  });
}

void group_norm_lines_backward(const GroupNormGrads& grads, const Tensor& dy, const Tensor& x,
                               const GroupVectors& vectors, const GroupNormShape& s) {
  visit_floating(dy.dtype(), "group_norm", [&](auto v) {
    using T = decltype(v);
    line_backward<T>(grads, dy, x.data<T>(), vectors, s);
  });
}

}  // namespace gw::kernels::cuda
