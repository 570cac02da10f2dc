// Optimizer steps on the parameters of a ResNet of 4.9 million, against a plain copy of as many bytes.
#include <benchmark/benchmark.h>

#include <cstring>

#include "kernels/parallel.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"

namespace {

using namespace gw;

/// Weights of 3x3 convolutions and their norms, as in resnet-wide: few large tensors and many small ones.
std::vector<Tensor> make_params() {
  std::vector<Tensor> params;
  for (const int64_t width : {16, 32, 64, 128, 256, 512}) {
    for (const int64_t inputs : {width / 2, width}) {
      params.push_back(empty({width, inputs, 3, 3}, {}, MemoryFormat::channels_last));
      for (int i = 0; i < 3; ++i) params.push_back(empty({width}));
    }
  }
  for (Tensor& p : params) {
    p.fill_(0.5);
    p.set_requires_grad();
    p.set_grad(empty_like(p));
    p.grad().fill_(1e-3);
  }
  return params;
}

int64_t count(const std::vector<Tensor>& params) {
  int64_t n = 0;
  for (const Tensor& p : params) n += p.numel();
  return n;
}

void report(benchmark::State& state, int64_t bytes) {
  state.SetBytesProcessed(state.iterations() * bytes);
  state.SetLabel("bytes read and written");
}

void copy(benchmark::State& state) {
  const int64_t bytes = 16 * count(make_params());
  const Tensor from = ones({bytes}, {.dtype = DType::u8}), to = ones({bytes}, {.dtype = DType::u8});
  for (auto _ : state)
    kernels::parallel_for(bytes, 1 << 16, [&](int64_t begin, int64_t end) {
      std::memcpy(to.data<uint8_t>() + begin, from.data<uint8_t>() + begin, static_cast<size_t>(end - begin));
    });
  report(state, 2 * bytes);
}

template <class Make>
void step(benchmark::State& state, int64_t bytes_per_element, const Make& make) {
  const auto params = make_params();
  Optimizer optimizer = make(params);
  for (auto _ : state) optimizer.step();
  report(state, bytes_per_element * count(params));
}

void sgd_fused(benchmark::State& s) {
  step(s, 12, [](auto& p) { return sgd(p); });
}
void momentum_fused(benchmark::State& s) {
  step(s, 20, [](auto& p) { return sgd(p, {.momentum = 0.9}); });
}
void adamw_fused(benchmark::State& s) {
  step(s, 28, [](auto& p) { return adamw(p); });
}
void rmsprop_fused(benchmark::State& s) {
  step(s, 20, [](auto& p) { return rmsprop(p); });
}
void lamb_fused(benchmark::State& s) {
  step(s, 40, [](auto& p) { return lamb(p); });
}
void lars_fused(benchmark::State& s) {
  step(s, 28, [](auto& p) { return lars(p); });
}
// The composed form moves more bytes than this counts: the rate is what the fused form's compares with.
void adamw_composed(benchmark::State& s) {
  step(s, 28, [](auto& p) { return adamw(p, {.fused = false}); });
}

BENCHMARK(copy)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(sgd_fused)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(momentum_fused)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(adamw_fused)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(rmsprop_fused)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lamb_fused)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lars_fused)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(adamw_composed)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
