// Recurrent layers: forward and backward, with rates of the matrix products' floating-point operations.
#include <benchmark/benchmark.h>

#include "nn/recurrent.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// Arguments: batch, steps, hidden size, which is the input's too, whether activations are bf16.
template <RecurrentCell cell>
void train(benchmark::State& state) {
  const int64_t batch = state.range(0), steps = state.range(1), hidden = state.range(2);
  RecurrentLayers layer(cell, hidden, hidden, {});
  const DType dtype = state.range(3) ? DType::bf16 : DType::f32;
  Tensor x = randn({steps, batch, hidden}).to(dtype).set_requires_grad();
  const Tensor dy = randn({steps, batch, hidden}).to(dtype);
  for (auto _ : state) {
    layer.forward(x).backward(dy);
    layer.zero_grad();
    x.set_grad({});
  }
  // Three products (value, gradient of the left, gradient of the right) for the input and for the hidden state.
  const double flops = 3.0 * 2 * 2 * static_cast<double>(gate_count(cell) * hidden * hidden * batch * steps);
  state.counters["FLOPS"] =
      benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "steps", "hidden", "bf16"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const int64_t batch : {64, 512})
    for (const int64_t steps : {8, 64})
      for (const int64_t hidden : {256, 512})
        for (const int64_t bf16 : {0, 1}) b->Args({batch, steps, hidden, bf16});
}

BENCHMARK(train<RecurrentCell::rnn_tanh>)->Apply(sizes)->Name("RNN");
BENCHMARK(train<RecurrentCell::gru>)->Apply(sizes)->Name("GRU");
BENCHMARK(train<RecurrentCell::lstm>)->Apply(sizes)->Name("LSTM");

}  // namespace
}  // namespace gw
