// Element-wise and reduction kernels on the largest activation of resnet-wide, far larger than the caches, against the
// speed of copying memory.
#include <benchmark/benchmark.h>

#include "bench/bandwidth.h"
#include "kernels/elementwise.h"
#include "kernels/reduce.h"
#include "tensor/creation.h"

namespace {

using namespace gw;
using kernels::Binary;
using kernels::Unary;

const Shape kShape = {1024, 32, 28, 28};

int64_t bytes(const Tensor& t) { return t.numel() * size_of(t.dtype()); }

Tensor activation(DType dtype) {
  return kernels::contiguous(kernels::cast(randn(kShape), dtype), MemoryFormat::channels_last);
}
DType dtype_of(const benchmark::State& state) { return state.range(0) ? DType::bf16 : DType::f32; }

/// A kernel that reads one activation; its bytes are the input's and the result's.
template <class Kernel>
void one_operand(benchmark::State& state, const Kernel& kernel) {
  const Tensor x = activation(dtype_of(state));
  bench::run(state, bytes(x) + bytes(kernel(x)), [&] { return kernel(x); });
}

/// A kernel that reads two activations.
template <class Kernel>
void two_operands(benchmark::State& state, const Kernel& kernel) {
  const Tensor a = activation(dtype_of(state)), b = activation(dtype_of(state));
  bench::run(state, 2 * bytes(a) + bytes(kernel(a, b)), [&] { return kernel(a, b); });
}

// --- element by element
template <Unary op>
void unary(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::unary(op, x); });
}
void clamp(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::clamp(x, -1, 1); });
}
void mul_number(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::mul(x, 2.0); });
}
void add(benchmark::State& state) {
  two_operands(state, [](const Tensor& a, const Tensor& b) { return kernels::add(a, b); });
}
void mul(benchmark::State& state) {
  two_operands(state, [](const Tensor& a, const Tensor& b) { return kernels::mul(a, b); });
}
void compare(benchmark::State& state) {
  two_operands(state, [](const Tensor& a, const Tensor& b) { return kernels::binary(Binary::lt, a, b); });
}
void add_in_place(benchmark::State& state) {
  const Tensor a = activation(dtype_of(state)), b = activation(dtype_of(state));
  bench::run(state, 3 * bytes(a), [&] {
    kernels::add_(a, b, 0.5);
    return a;
  });
}
void add_per_channel(benchmark::State& state) {
  const Tensor bias = randn({32, 1, 1});
  const Tensor b = kernels::cast(bias, dtype_of(state));
  one_operand(state, [&](const Tensor& x) { return kernels::add(x, b); });
}
void where(benchmark::State& state) {
  const Tensor a = activation(dtype_of(state)), b = activation(dtype_of(state));
  const Tensor condition = kernels::binary(Binary::lt, a, b);
  bench::run(state, bytes(condition) + 3 * bytes(a), [&] { return kernels::where(condition, a, b); });
}

// --- copies
void fill(benchmark::State& state) {
  const Tensor x = activation(dtype_of(state));
  bench::run(state, bytes(x), [&] {
    kernels::fill(x, 1);
    return x;
  });
}
void copy(benchmark::State& state) {
  const Tensor x = activation(dtype_of(state)), y = empty_like(x);
  bench::run(state, 2 * bytes(x), [&] {
    kernels::copy(y, x);
    return y;
  });
}
void copy_to_contiguous(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::contiguous(x); });
}
void cast_to_other_float(benchmark::State& state) {
  const DType other = dtype_of(state) == DType::f32 ? DType::bf16 : DType::f32;
  one_operand(state, [&](const Tensor& x) { return kernels::cast(x, other); });
}

// --- reductions
void sum_all(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::sum(x); });
}
void sum_per_channel(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::sum(x, {0, 2, 3}); });
}
void mean_of_grid(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::mean(x, {2, 3}); });
}
void sum_of_batch(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::sum(x, {0}); });
}
void amax_all(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::amax(x); });
}
// Two passes, so twice the bytes.
void var_per_channel(benchmark::State& state) {
  const Tensor x = activation(dtype_of(state));
  bench::run(state, 2 * bytes(x), [&] { return kernels::var(x, {0, 2, 3}); });
}
void argmax_of_channels(benchmark::State& state) {
  one_operand(state, [](const Tensor& x) { return kernels::argmax(x, 1); });
}

void both_dtypes(benchmark::internal::Benchmark* b) {
  b->ArgName("bf16")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();
}

BENCHMARK(unary<Unary::neg>)->Apply(both_dtypes);
BENCHMARK(unary<Unary::relu>)->Apply(both_dtypes);
BENCHMARK(unary<Unary::sqrt>)->Apply(both_dtypes);
BENCHMARK(unary<Unary::exp>)->Apply(both_dtypes);
BENCHMARK(unary<Unary::log>)->Apply(both_dtypes);
BENCHMARK(unary<Unary::sigmoid>)->Apply(both_dtypes);
BENCHMARK(unary<Unary::tanh>)->Apply(both_dtypes);
BENCHMARK(clamp)->Apply(both_dtypes);
BENCHMARK(mul_number)->Apply(both_dtypes);
BENCHMARK(add)->Apply(both_dtypes);
BENCHMARK(mul)->Apply(both_dtypes);
BENCHMARK(compare)->Apply(both_dtypes);
BENCHMARK(add_in_place)->Apply(both_dtypes);
BENCHMARK(add_per_channel)->Apply(both_dtypes);
BENCHMARK(where)->Apply(both_dtypes);
BENCHMARK(fill)->Apply(both_dtypes);
BENCHMARK(copy)->Apply(both_dtypes);
BENCHMARK(copy_to_contiguous)->Apply(both_dtypes);
BENCHMARK(cast_to_other_float)->Apply(both_dtypes);
BENCHMARK(sum_all)->Apply(both_dtypes);
BENCHMARK(sum_per_channel)->Apply(both_dtypes);
BENCHMARK(mean_of_grid)->Apply(both_dtypes);
BENCHMARK(sum_of_batch)->Apply(both_dtypes);
BENCHMARK(amax_all)->Apply(both_dtypes);
BENCHMARK(var_per_channel)->Apply(both_dtypes);
BENCHMARK(argmax_of_channels)->Apply(both_dtypes);

}  // namespace
