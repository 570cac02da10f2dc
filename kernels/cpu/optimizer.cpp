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

void rmsprop_run(float* __restrict p, const float* __restrict g, float* __restrict v, int64_t begin, int64_t end,
                 const math::RmsPropHypers h) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) math::rmsprop_update(p[i], g[i], v[i], h);
}

void rmsprop_momentum_run(float* __restrict p, const float* __restrict g, float* __restrict b, float* __restrict v,
                          int64_t begin, int64_t end, const math::RmsPropHypers h) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) math::rmsprop_momentum_update(p[i], g[i], b[i], v[i], h);
}

// --- steps that need to know norms first

/// Two sums of squares.
struct Norms {
  double first = 0, second = 0;
};

/// LAMB's statistics, and the squares of the parameter and of its direction.
Norms lamb_norms(const float* __restrict p, const float* __restrict g, float* __restrict m, float* __restrict v,
                 int64_t begin, int64_t end, const math::LambHypers h) {
  float param = 0, direction = 0;
#pragma omp simd reduction(+ : param, direction)
  for (int64_t i = begin; i < end; ++i) {
    math::lamb_statistics(g[i], m[i], v[i], h);
    const float d = math::lamb_direction(p[i], m[i], v[i], h);
    param += p[i] * p[i];
    direction += d * d;
  }
  return {param, direction};
}

void lamb_run(float* __restrict p, const float* __restrict m, const float* __restrict v, int64_t begin, int64_t end,
              const math::LambHypers h) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) p[i] -= h.lr * math::lamb_direction(p[i], m[i], v[i], h);
}

/// The squares of the parameter and of the gradient.
Norms lars_norms(const float* __restrict p, const float* __restrict g, int64_t begin, int64_t end) {
  float param = 0, grad = 0;
#pragma omp simd reduction(+ : param, grad)
  for (int64_t i = begin; i < end; ++i) {
    param += p[i] * p[i];
    grad += g[i] * g[i];
  }
  return {param, grad};
}

void lars_run(float* __restrict p, const float* __restrict g, float* __restrict b, int64_t begin, int64_t end,
              const math::LarsHypers h) {
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) math::lars_update(p[i], g[i], b[i], h);
}

/// norms(tensor, begin, end), summed up over each tensor. Chunks of one size are summed in f32 and added in double in
/// their order, so that the result does not depend on the number of threads.
template <class Gather>
std::vector<Norms> gather_norms(std::span<const OptimizerTensors> tensors, const Gather& norms) {
  constexpr int64_t kChunk = 4096;
  struct Chunk {
    size_t tensor;
    int64_t begin, end;
    Norms norms;
  };
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < tensors.size(); ++i)
    for (int64_t n = tensors[i].param.numel(), at = 0; at < n; at += kChunk)
      chunks.push_back({i, at, std::min(at + kChunk, n), {}});
  parallel_for(static_cast<int64_t>(chunks.size()), kParallelGrain / kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      Chunk& c = chunks[static_cast<size_t>(k)];
      c.norms = norms(tensors[c.tensor], c.begin, c.end);
    }
  });
  std::vector<Norms> sums(tensors.size());
  for (const Chunk& c : chunks) {
    sums[c.tensor].first += c.norms.first;
    sums[c.tensor].second += c.norms.second;
  }
  return sums;
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

void rmsprop_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  for_each_run(tensors, [&](const OptimizerTensors& t, int64_t begin, int64_t end) {
    const auto h = read_row<math::RmsPropHypers>(hypers, t.row);
    float *p = t.param.data<float>(), *v = t.average_squared.data<float>();
    const float* g = t.grad.data<float>();
    if (t.average.defined())
      rmsprop_momentum_run(p, g, t.average.data<float>(), v, begin, end, h);
    else
      rmsprop_run(p, g, v, begin, end, h);
  });
}

void lamb_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  const std::vector<Norms> norms = gather_norms(tensors, [&](const OptimizerTensors& t, int64_t begin, int64_t end) {
    return lamb_norms(t.param.data<float>(), t.grad.data<float>(), t.average.data<float>(),
                      t.average_squared.data<float>(), begin, end, read_row<math::LambHypers>(hypers, t.row));
  });
  for_each_run(tensors, [&](const OptimizerTensors& t, int64_t begin, int64_t end) {
    auto h = read_row<math::LambHypers>(hypers, t.row);
    const Norms& n = norms[static_cast<size_t>(&t - tensors.data())];
    h.lr *= math::lamb_trust(n.first, n.second, h);
    lamb_run(t.param.data<float>(), t.average.data<float>(), t.average_squared.data<float>(), begin, end, h);
  });
}

void lars_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers) {
  const std::vector<Norms> norms = gather_norms(tensors, [&](const OptimizerTensors& t, int64_t begin, int64_t end) {
    return lars_norms(t.param.data<float>(), t.grad.data<float>(), begin, end);
  });
  for_each_run(tensors, [&](const OptimizerTensors& t, int64_t begin, int64_t end) {
    auto h = read_row<math::LarsHypers>(hypers, t.row);
    const Norms& n = norms[static_cast<size_t>(&t - tensors.data())];
    h.lr *= math::lars_trust(n.first, n.second, h);
    lars_run(t.param.data<float>(), t.grad.data<float>(), t.average.data<float>(), begin, end, h);
  });
}

}  // namespace gw::kernels::cpu
