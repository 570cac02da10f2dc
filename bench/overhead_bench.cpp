// What an operation costs beside its arithmetic: ops on tensors so small that only the dispatch, the allocation and the
// tape count.
#include <benchmark/benchmark.h>

#include "autograd/activation.h"
#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace {

using namespace gw;

Tensor tiny(bool requires_grad) { return ones({4}, {.requires_grad = requires_grad}); }

void create_empty(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(empty({4}));
}
void make_view(benchmark::State& state) {
  const Tensor x = ones({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(x.select(0, 1));
}

/// The op, recorded or not, and the release of what it recorded.
template <class Op>
void one_op(benchmark::State& state, const Op& op) {
  const Tensor a = tiny(state.range(0)), b = tiny(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(op(a, b));
}
void add(benchmark::State& state) {
  one_op(state, [](const Tensor& a, const Tensor& b) { return a + b; });
}
void mul(benchmark::State& state) {
  one_op(state, [](const Tensor& a, const Tensor& b) { return a * b; });
}
void relu(benchmark::State& state) {
  one_op(state, [](const Tensor& a, const Tensor&) { return a.relu(); });
}
void activation(benchmark::State& state) {
  one_op(state, [](const Tensor& a, const Tensor&) { return general_relu(a, {.leak = 0.1F, .sub = 0.4F}); });
}
void sum(benchmark::State& state) {
  one_op(state, [](const Tensor& a, const Tensor&) { return a.sum(); });
}
void reshape(benchmark::State& state) {
  one_op(state, [](const Tensor& a, const Tensor&) { return a.reshape({2, 2}); });
}
void matmul(benchmark::State& state) {
  const Tensor a = ones({2, 2}, {.requires_grad = state.range(0) != 0});
  for (auto _ : state) benchmark::DoNotOptimize(a.matmul(a));
}

/// Forward and backward through a chain of ops; items are ops.
void chain_and_backward(benchmark::State& state) {
  const int ops = 100;
  const Tensor x = tiny(true), gradient = ones({4});
  for (auto _ : state) {
    Tensor y = x;
    for (int i = 0; i < ops; ++i) y = y * 1.01;
    y.backward(gradient);
  }
  state.SetItemsProcessed(state.iterations() * ops);
}

void recorded_or_not(benchmark::internal::Benchmark* b) { b->ArgName("recorded")->Arg(0)->Arg(1); }

BENCHMARK(create_empty);
BENCHMARK(make_view);
BENCHMARK(add)->Apply(recorded_or_not);
BENCHMARK(mul)->Apply(recorded_or_not);
BENCHMARK(relu)->Apply(recorded_or_not);
BENCHMARK(activation)->Apply(recorded_or_not);
BENCHMARK(sum)->Apply(recorded_or_not);
BENCHMARK(reshape)->Apply(recorded_or_not);
BENCHMARK(matmul)->Apply(recorded_or_not);
BENCHMARK(chain_and_backward);

}  // namespace
