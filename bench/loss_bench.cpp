// Softmax, losses, dropout and random numbers on tensors larger than the caches, in bytes read and written, against a
// plain copy; and the losses of a small classifier's batch, in time.
#include <benchmark/benchmark.h>

#include <cstring>

#include "kernels/dropout.h"
#include "kernels/losses.h"
#include "kernels/parallel.h"
#include "kernels/random.h"
#include "kernels/softmax.h"
#include "tensor/creation.h"

namespace {

using namespace gw;

constexpr int64_t kRows = 4096, kClasses = 8192;

Tensor logits(const Shape& shape, DType dtype) {
  Generator generator(1);
  return randn(shape, {.dtype = dtype}, generator);
}

Tensor classes(const Shape& shape, int64_t count) {
  Generator generator(2);
  return randint(0, count, shape, {.dtype = DType::i64}, generator);
}

/// `passes`: how often the bytes of `t` are read or written.
void report(benchmark::State& state, const Tensor& t, int64_t passes) {
  state.SetBytesProcessed(state.iterations() * passes * t.numel() * size_of(t.dtype()));
}

void copy(benchmark::State& state) {
  const int64_t bytes = 4 * kRows * kClasses;
  const Tensor from = ones({bytes}, {.dtype = DType::u8}), to = ones({bytes}, {.dtype = DType::u8});
  for (auto _ : state)
    kernels::parallel_for(bytes, 1 << 16, [&](int64_t begin, int64_t end) {
      std::memcpy(to.data<uint8_t>() + begin, from.data<uint8_t>() + begin, static_cast<size_t>(end - begin));
    });
  report(state, from, 2);
}

/// Calls run(x) over and over; once before, so that the memory of the results is there.
template <class Run>
void time(benchmark::State& state, const Tensor& x, int64_t passes, const Run& run) {
  run(x);
  for (auto _ : state) benchmark::DoNotOptimize(run(x));
  report(state, x, passes);
}

void softmax(benchmark::State& state, Shape shape, int64_t dim, DType dtype) {
  time(state, logits(shape, dtype), 2, [=](const Tensor& x) { return kernels::softmax(x, dim); });
}

void softmax_backward(benchmark::State& state, DType dtype) {
  const Tensor y = kernels::softmax(logits({kRows, kClasses}, dtype), 1);
  time(state, y, 3, [=](const Tensor& dy) { return kernels::softmax_backward(dy, y, 1); });
}

void cross_entropy(benchmark::State& state, Shape shape, DType dtype, double smoothing) {
  const Tensor targets = classes({shape[0]}, shape[1]);
  time(state, logits(shape, dtype), 1,
       [=](const Tensor& x) { return kernels::cross_entropy(x, targets, {.label_smoothing = smoothing}).loss; });
}

void cross_entropy_backward(benchmark::State& state, Shape shape, DType dtype) {
  const Tensor x = logits(shape, dtype), targets = classes({shape[0]}, shape[1]), dloss = scalar(1);
  const auto forward = kernels::cross_entropy(x, targets, {});
  time(state, x, 2, [=](const Tensor& a) { return kernels::cross_entropy_backward(dloss, a, targets, forward, {}); });
}

void pair_loss(benchmark::State& state, kernels::PairLoss kind) {
  Generator generator(1);
  const Tensor y = rand({kRows, kClasses}, {}, generator);
  time(state, rand({kRows, kClasses}, {}, generator), 2,
       [=](const Tensor& x) { return kernels::pair_loss(kind, x, y, {}, Reduction::mean); });
}

void pair_loss_backward(benchmark::State& state, kernels::PairLoss kind) {
  Generator generator(1);
  const Tensor y = rand({kRows, kClasses}, {}, generator), dloss = scalar(1);
  time(state, rand({kRows, kClasses}, {}, generator), 3,
       [=](const Tensor& x) { return kernels::pair_loss_backward(kind, dloss, x, y, {}, Reduction::mean); });
}

void dropout(benchmark::State& state, DType dtype) {
  const PhiloxState random{1, 0};
  time(state, logits({kRows, kClasses}, dtype), 2, [=](const Tensor& x) { return kernels::dropout(x, 0.5, random); });
}

void uniform(benchmark::State& state) {
  Generator generator(1);
  time(state, empty({kRows, kClasses}), 1, [&](const Tensor& x) {
    kernels::uniform(x, 0, 1, generator);
    return x;
  });
}

void normal(benchmark::State& state) {
  Generator generator(1);
  time(state, empty({kRows, kClasses}), 1, [&](const Tensor& x) {
    kernels::normal(x, 0, 1, generator);
    return x;
  });
}

void permutation(benchmark::State& state) {
  Generator generator(1);
  for (auto _ : state) benchmark::DoNotOptimize(randperm(60000, generator));
}

using kernels::PairLoss;

BENCHMARK(copy)->UseRealTime();
BENCHMARK_CAPTURE(softmax, rows_f32, {kRows, kClasses}, 1, DType::f32)->UseRealTime();
BENCHMARK_CAPTURE(softmax, rows_bf16, {kRows, kClasses}, 1, DType::bf16)->UseRealTime();
BENCHMARK_CAPTURE(softmax, columns_f32, {16, 128, 16384}, 1, DType::f32)->UseRealTime();
BENCHMARK_CAPTURE(softmax_backward, rows_f32, DType::f32)->UseRealTime();
BENCHMARK_CAPTURE(cross_entropy, f32, {kRows, kClasses}, DType::f32, 0.0)->UseRealTime();
BENCHMARK_CAPTURE(cross_entropy, f32_smoothed, {kRows, kClasses}, DType::f32, 0.1)->UseRealTime();
BENCHMARK_CAPTURE(cross_entropy, bf16, {kRows, kClasses}, DType::bf16, 0.0)->UseRealTime();
BENCHMARK_CAPTURE(cross_entropy_backward, f32, {kRows, kClasses}, DType::f32)->UseRealTime();
BENCHMARK_CAPTURE(cross_entropy_backward, bf16, {kRows, kClasses}, DType::bf16)->UseRealTime();
BENCHMARK_CAPTURE(cross_entropy, batch_of_1024_f32, {1024, 10}, DType::f32, 0.0)->UseRealTime();
BENCHMARK_CAPTURE(cross_entropy_backward, batch_of_1024_f32, {1024, 10}, DType::f32)->UseRealTime();
BENCHMARK_CAPTURE(pair_loss, mse, PairLoss::mse)->UseRealTime();
BENCHMARK_CAPTURE(pair_loss, binary_cross_entropy_with_logits, PairLoss::binary_cross_entropy_with_logits)
    ->UseRealTime();
BENCHMARK_CAPTURE(pair_loss_backward, mse, PairLoss::mse)->UseRealTime();
BENCHMARK_CAPTURE(pair_loss_backward, binary_cross_entropy_with_logits, PairLoss::binary_cross_entropy_with_logits)
    ->UseRealTime();
BENCHMARK_CAPTURE(dropout, f32, DType::f32)->UseRealTime();
BENCHMARK_CAPTURE(dropout, bf16, DType::bf16)->UseRealTime();
BENCHMARK(uniform)->UseRealTime();
BENCHMARK(normal)->UseRealTime();
BENCHMARK(permutation)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
