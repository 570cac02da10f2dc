// What the two files of group norm share: samples of many rows are groupnorm.cu's, of one row groupnorm_lines.cu's.
#pragma once

#include "kernels/cuda/column_sums.h"
#include "kernels/groupnorm.h"
#include "kernels/math/batchnorm.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {

/// What maps x to y; weight and bias may be null.
struct GroupVectors {
  const float *mean, *invstd, *weight, *bias;

  __device__ float weight_at(int64_t c) const { return weight ? weight[c] : 1.0f; }
  __device__ float bias_at(int64_t c) const { return bias ? bias[c] : 0.0f; }
  /// Channel c, whose group is number `group` of all samples' groups.
  __device__ math::BatchNormChannel at(int64_t group, int64_t c) const {
    return {mean[group], weight_at(c) * invstd[group], bias_at(c)};
  }
};

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

/// Blocks that sum are few, so that there are few partial results.
inline int64_t summing_blocks(const Tensor& t) { return 4 * int64_t{gw::cuda::multiprocessors(t.device())}; }
inline constexpr int64_t kLeastRows = 8;

/// Two f32 for each sample, lane and block of a launch.
inline Tensor new_partials(int64_t samples, const RowLaunch& r, const Tensor& like) {
  return empty({samples, r.lanes, static_cast<int64_t>(r.grid.x), 2}, {.device = like.device()});
}
inline float2* partials(const Tensor& t) { return reinterpret_cast<float2*>(t.data<float>()); }

/// dweight and dbias from the sums that blocks left for them.
void finish_affine(const GroupNormGrads& grads, const Tensor& partial, int64_t samples, int64_t channels,
                   const RowLaunch& r);

/// Forward and backward for samples of one row.
void group_norm_lines_forward(const GroupNormResult& out, const Tensor& x, const GroupVectors& vectors,
                              const GroupNormShape& s, double eps);
void group_norm_lines_backward(const GroupNormGrads& grads, const Tensor& dy, const Tensor& x,
                               const GroupVectors& vectors, const GroupNormShape& s);

}  // namespace gw::kernels::cuda
