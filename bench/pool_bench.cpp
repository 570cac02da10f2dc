// Pools on the grids of the lesson's networks, at batch 1024 in channels-last memory, against the speed of copying.
#include <benchmark/benchmark.h>

#include "bench/bandwidth.h"
#include "kernels/elementwise.h"
#include "kernels/pool.h"
#include "tensor/creation.h"

namespace {

using namespace gw;

constexpr AvgPoolOptions kAverage{.kernel = 2, .ceil_mode = true};
constexpr PoolOptions kMaximum{.kernel = 2, .ceil_mode = true};

Tensor input(const benchmark::State& state) {
  const int64_t side = state.range(0), channels = state.range(1);
  const Tensor x = randn({1024, side, side, channels});
  return kernels::cast(x, state.range(2) ? DType::bf16 : DType::f32).permute({0, 3, 1, 2});
}
int64_t bytes(const Tensor& t) { return t.numel() * size_of(t.dtype()); }

void avg_pool(benchmark::State& state) {
  const Tensor x = input(state), y = kernels::avg_pool2d(x, kAverage);
  bench::run(state, bytes(x) + bytes(y), [&] { return kernels::avg_pool2d(x, kAverage); });
}
void avg_pool_backward(benchmark::State& state) {
  const Tensor x = input(state), y = kernels::avg_pool2d(x, kAverage);
  bench::run(state, bytes(x) + bytes(y), [&] { return kernels::avg_pool2d_backward(y, x.shape(), kAverage); });
}
void max_pool(benchmark::State& state) {
  const Tensor x = input(state);
  const auto r = kernels::max_pool2d(x, kMaximum);
  bench::run(state, bytes(x) + bytes(r.y) + bytes(r.indices), [&] { return kernels::max_pool2d(x, kMaximum); });
}
void max_pool_backward(benchmark::State& state) {
  const Tensor x = input(state);
  const auto r = kernels::max_pool2d(x, kMaximum);
  bench::run(state, bytes(x) + bytes(r.y) + bytes(r.indices),
             [&] { return kernels::max_pool2d_backward(r.y, r.indices, x.shape(), kMaximum); });
}
void global_avg_pool(benchmark::State& state) {
  const Tensor x = input(state);
  bench::run(state, bytes(x), [&] { return kernels::adaptive_avg_pool2d(x, 1); });
}
void global_avg_pool_backward(benchmark::State& state) {
  const Tensor x = input(state), y = kernels::adaptive_avg_pool2d(x, 1);
  bench::run(state, bytes(x), [&] { return kernels::adaptive_avg_pool2d_backward(y, x.shape()); });
}

void grids(benchmark::internal::Benchmark* b) {
  for (const int64_t bf16 : {0, 1})
    for (const auto& [side, channels] : {std::pair<int64_t, int64_t>{28, 16}, {28, 32}, {14, 64}, {7, 128}, {2, 512}})
      b->Args({side, channels, bf16});
  b->ArgNames({"side", "channels", "bf16"})->Unit(benchmark::kMicrosecond)->UseRealTime();
}

BENCHMARK(avg_pool)->Apply(grids);
BENCHMARK(avg_pool_backward)->Apply(grids);
BENCHMARK(max_pool)->Apply(grids);
BENCHMARK(max_pool_backward)->Apply(grids);
BENCHMARK(global_avg_pool)->Apply(grids);
BENCHMARK(global_avg_pool_backward)->Apply(grids);

}  // namespace
