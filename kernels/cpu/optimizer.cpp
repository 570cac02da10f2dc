#include "kernels/cpu/optimizer.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// Splits the elements of all tensors evenly over the cores, however unequal the tensors are, and calls
/// body(tensor, begin, end) for every run of elements of one tensor.
template <class Body>
void for_each_run(std::span<const OptimizerTensors> tensors, const Body& body) {
  std::vector<int64_t> starts{0};
  for (const OptimizerTensors& t : tensors) starts.push_back(starts.back() + t.param.numel());
  parallel_for(starts.back(), kParallelGrain, [&](int64_t begin, int64_t end) {
    auto i = static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), begin) - starts.begin()) - 1;
    for (; i < tensors.size() && starts[i] < end; ++i) {
      const int64_t first = std::max(begin, starts[i]) - starts[i], last = std::min(end, starts[i + 1]) - starts[i];
      if (first < last) body(tensors[i], first, last);
    }
  });
}

template <class Hypers>
Hypers read_row(const Tensor& hypers, int64_t row) {
  Hypers h;
  std::memcpy(&h, hypers.data<float>() + row * hypers.size(1), sizeof(h));
  return h;
}

void sgd_run(float* __restrict p, const float* __restrict g, int64_t begin, int64_t end, const math::SgdHypers h) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) math::sgd_update(p[i], g[i], h);
}

void momentum_run(float* __restrict p, const float* __restrict g, float* __restrict b, int64_t begin, int64_t end,
                  const math::SgdHypers h) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) math::momentum_update(p[i], g[i], b[i], h);
}

void adam_run(float* __restrict p, const float* __restrict g, float* __restrict m, float* __restrict v, int64_t begin,
              int64_t end, const math::AdamHypers h) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) math::adam_update(p[i], g[i], m[i], v[i], h);
}

}  // namespace

void sgd_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  for_each_run(tensors, [&](const OptimizerTensors& t, int64_t begin, int64_t end) {
    const auto h = read_row<math::SgdHypers>(hypers, t.row);
    float* p = t.param.data<float>();
    const float* g = t.grad.data<float>();
    if (t.average.defined())
      momentum_run(p, g, t.average.data<float>(), begin, end, h);
    else
      sgd_run(p, g, begin, end, h);
  });
}

void adam_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  for_each_run(tensors, [&](const OptimizerTensors& t, int64_t begin, int64_t end) {
    const auto h = read_row<math::AdamHypers>(hypers, t.row);
    adam_run(t.param.data<float>(), t.grad.data<float>(), t.average.data<float>(), t.average_squared.data<float>(),
             begin, end, h);
  });
}

}  // namespace gw::kernels::cpu
