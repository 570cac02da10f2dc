// Batch norm and GeneralRelu against the speed of copying memory with the same threads. "bytes_per_second" counts what
// the algorithm must read and write; "of_copy" is its ratio to the copy's, measured in the same run.
#include <benchmark/benchmark.h>

#include "bench/bandwidth.h"
#include "kernels/batchnorm.h"
#include "kernels/elementwise.h"
#include "kernels/groupnorm.h"
#include "tensor/creation.h"

namespace {

using namespace gw;

constexpr GeneralReluOptions kLesson{.leak = 0.1f, .sub = 0.4f};

/// Batch norm's tensors at batch 1024, in channels-last memory.
struct Problem {
  Tensor x, residual, dy, weight, bias, mean, var;

  explicit Problem(const benchmark::State& state) {
    const DType dtype = state.range(2) ? DType::bf16 : DType::f32;
    const int64_t side = state.range(0), channels = state.range(1);
    const auto make = [&] {
      const Tensor t = randn({1024, side, side, channels});
      return kernels::cast(t, dtype).permute({0, 3, 1, 2});
    };
    x = make(), residual = make(), dy = make();
    weight = ones({channels}), bias = zeros({channels}), mean = zeros({channels}), var = ones({channels});
  }
  int64_t bytes() const { return x.numel() * size_of(x.dtype()); }
};

void forward(benchmark::State& state, bool act, bool residual) {
  const Problem p(state);
  const auto a = act ? std::optional(kLesson) : std::nullopt;
  const Tensor r = residual ? p.residual : Tensor{};
  // x, x, [residual] -> y
  bench::run(state, p.bytes() * (residual ? 4 : 3),
             [&] { return kernels::batch_norm_forward(p.x, p.weight, p.bias, p.mean, p.var, {}, a, r); });
}

void backward(benchmark::State& state, bool act, bool residual) {
  const Problem p(state);
  const auto a = act ? std::optional(kLesson) : std::nullopt;
  const auto f =
      kernels::batch_norm_forward(p.x, p.weight, p.bias, p.mean, p.var, {}, a, residual ? p.residual : Tensor{});
  const kernels::BatchNormSaved saved{p.x, p.weight, p.bias, f.mean, f.invstd, f.y};
  // x, dy, [y -> dz]; x, dz -> dx
  bench::run(state, p.bytes() * (act && residual ? 7 : 5),
             [&] { return kernels::batch_norm_backward(p.dy, saved, true, true, a, residual); });
}

void group_norm(benchmark::State& state, int64_t groups) {
  const Problem p(state);
  // x -> y: the second reading of x is the caches'.
  bench::run(state, p.bytes() * 2, [&] { return kernels::group_norm_forward(p.x, groups, p.weight, p.bias, 1e-5); });
}

void group_norm_backward(benchmark::State& state, int64_t groups) {
  const Problem p(state);
  const auto f = kernels::group_norm_forward(p.x, groups, p.weight, p.bias, 1e-5);
  // x, dy -> dx
  bench::run(state, p.bytes() * 3, [&] {
    return kernels::group_norm_backward(p.dy, {p.x, p.weight, f.mean, f.invstd}, true, true);
  });
}

/// 8192 lines of 768 numbers, as in a transformer.
struct Lines {
  Tensor x, dy, weight = ones({768}), bias = zeros({768});

  explicit Lines(const benchmark::State& state) {
    const DType dtype = state.range(0) ? DType::bf16 : DType::f32;
    x = kernels::cast(randn({8192, 768}), dtype), dy = kernels::cast(randn({8192, 768}), dtype);
  }
  int64_t bytes() const { return x.numel() * size_of(x.dtype()); }
};

void layer_norm(benchmark::State& state) {
  const Lines p(state);
  bench::run(state, p.bytes() * 2, [&] { return kernels::group_norm_forward(p.x, 1, p.weight, p.bias, 1e-5); });
}

void layer_norm_backward(benchmark::State& state) {
  const Lines p(state);
  const auto f = kernels::group_norm_forward(p.x, 1, p.weight, p.bias, 1e-5);
  bench::run(state, p.bytes() * 3, [&] {
    return kernels::group_norm_backward(p.dy, {p.x, p.weight, f.mean, f.invstd}, true, true);
  });
}

void general_relu(benchmark::State& state) {
  const Problem p(state);
  bench::run(state, p.bytes() * 2, [&] { return kernels::general_relu(p.x, kLesson); });
}

void add_general_relu(benchmark::State& state) {
  const Problem p(state);
  bench::run(state, p.bytes() * 3, [&] { return kernels::add_general_relu(p.x, p.residual, kLesson); });
}

void general_relu_backward(benchmark::State& state) {
  const Problem p(state);
  const Tensor y = kernels::general_relu(p.x, kLesson);
  bench::run(state, p.bytes() * 3, [&] { return kernels::general_relu_backward_from_output(p.dy, y, kLesson); });
}

void smooth(benchmark::State& state, kernels::Activation f) {
  const Problem p(state);
  bench::run(state, p.bytes() * 2, [&] { return kernels::activation(f, p.x, {1, 20}); });
}

/// Grids of the lesson's networks (side, channels), in f32 and bf16.
void grids(benchmark::internal::Benchmark* b) {
  for (const int64_t bf16 : {0, 1})
    for (const auto& [side, channels] : {std::pair<int64_t, int64_t>{28, 16}, {28, 32}, {14, 64}, {7, 128}, {2, 512}})
      b->Args({side, channels, bf16});
  b->ArgNames({"side", "channels", "bf16"})->Unit(benchmark::kMicrosecond)->UseRealTime();
}
void one_grid(benchmark::internal::Benchmark* b) {
  for (const int64_t bf16 : {0, 1}) b->Args({28, 32, bf16});
  b->ArgNames({"side", "channels", "bf16"})->Unit(benchmark::kMicrosecond)->UseRealTime();
}

BENCHMARK_CAPTURE(forward, norm, false, false)->Apply(grids);
BENCHMARK_CAPTURE(forward, norm_act, true, false)->Apply(grids);
BENCHMARK_CAPTURE(forward, norm_residual_act, true, true)->Apply(grids);
BENCHMARK_CAPTURE(backward, norm, false, false)->Apply(grids);
BENCHMARK_CAPTURE(backward, norm_act, true, false)->Apply(grids);
BENCHMARK_CAPTURE(backward, norm_residual_act, true, true)->Apply(grids);
BENCHMARK_CAPTURE(group_norm, of_4, 4)->Apply(grids);
BENCHMARK_CAPTURE(group_norm_backward, of_4, 4)->Apply(grids);
BENCHMARK(layer_norm)->ArgName("bf16")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(layer_norm_backward)->ArgName("bf16")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(general_relu)->Apply(one_grid);
BENCHMARK(add_general_relu)->Apply(one_grid);
BENCHMARK(general_relu_backward)->Apply(one_grid);
BENCHMARK_CAPTURE(smooth, silu, kernels::Activation::silu)->Apply(one_grid);
BENCHMARK_CAPTURE(smooth, gelu, kernels::Activation::gelu)->Apply(one_grid);
BENCHMARK_CAPTURE(smooth, softplus, kernels::Activation::softplus)->Apply(one_grid);

}  // namespace
