#include "kernels/recurrent.h"

#include <cmath>

#include "autograd/recurrent.h"
#include "tensor/creation.h"
#include "tensor/cuda_graph.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr RecurrentCell kCells[] = {RecurrentCell::rnn_tanh, RecurrentCell::rnn_relu, RecurrentCell::gru,
                                    RecurrentCell::lstm};

Tensor values(const Shape& shape, DType dtype, uint64_t seed, double scale = 1) {
  Generator generator(seed);
  return (randn(shape, {}, generator) * scale).to(dtype);
}

class CudaRecurrent : public CudaTest {
 protected:
  /// Forward and backward on both sides.
  static void expect_same(RecurrentCell cell, DType dtype, int64_t steps, int64_t batch, int64_t hidden) {
    SCOPED_TRACE(testing::Message() << "cell " << static_cast<int>(cell) << ", " << steps << " steps, batch " << batch
                                    << ", hidden " << hidden);
    const int64_t gates = gate_count(cell) * hidden;
    const bool lstm = cell == RecurrentCell::lstm;
    const Tensor input = values({steps, batch, gates}, dtype, 1),
                 weight = values({gates, hidden}, DType::f32, 2, 1 / std::sqrt(static_cast<double>(hidden))),
                 bias = values({gates}, DType::f32, 3), h0 = values({batch, hidden}, dtype, 4);
    const Tensor c0 = lstm ? values({batch, hidden}, dtype, 5) : Tensor{};
    const Tensor dy = values({steps, batch, hidden}, dtype, 6), dh = values({batch, hidden}, dtype, 7);
    const Tensor dc = lstm ? values({batch, hidden}, dtype, 8) : Tensor{};
    const auto there = [](const Tensor& t) { return t.defined() ? t.to(kCuda) : t; };
    const double rtol = dtype == DType::f32 ? 1e-5 : 4e-2, atol = dtype == DType::f32 ? 1e-5 : 4e-2;

    const auto cuda = kernels::recurrent_forward(cell, there(input), there(weight), there(bias), there(h0), there(c0));
    const auto cpu = kernels::recurrent_forward(cell, input.clone(), weight, bias, h0, c0);
    expect_close(cuda.h, cpu.h, rtol, atol);
    if (lstm) expect_close(cuda.c, cpu.c, rtol, atol);
    if (cpu.gates.defined()) expect_close(cuda.gates, cpu.gates, rtol, atol);

    // From the same states, because the derivative of relu jumps where they differ by a rounding.
    const kernels::RecurrentStates same{there(cpu.h), there(cpu.c), there(cpu.gates)};
    const auto cuda_grads = kernels::recurrent_backward(cell, same, there(weight), there(dy), there(dh), there(dc));
    const auto cpu_grads = kernels::recurrent_backward(cell, cpu, weight, dy, dh, dc);
    expect_close(cuda_grads.gates, cpu_grads.gates, rtol, atol);
    expect_close(cuda_grads.h0, cpu_grads.h0, rtol, 2 * atol);
    if (lstm) expect_close(cuda_grads.c0, cpu_grads.c0, rtol, 2 * atol);
  }
};

TEST_F(CudaRecurrent, EqualsTheCpu) {
  for (const RecurrentCell cell : kCells)
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const int64_t hidden : {1, 7, 32, 129}) expect_same(cell, dtype, 3, 5, hidden);
}

TEST_F(CudaRecurrent, ManyElementsGoInPacks) {
  // 2^18 elements are the least that do; rows of 516 units fill one block of packs and a bit.
  expect_same(RecurrentCell::rnn_tanh, DType::bf16, 1, 512, 516);
  expect_same(RecurrentCell::gru, DType::f32, 1, 512, 516);
  expect_same(RecurrentCell::lstm, DType::bf16, 1, 512, 516);
}

TEST_F(CudaRecurrent, AnEmptyBatchAndOneOfOne) {
  for (const RecurrentCell cell : kCells) {
    expect_same(cell, DType::f32, 2, 0, 4);
    expect_same(cell, DType::f32, 2, 1, 4);
  }
}

TEST_F(CudaRecurrent, MissingStatesAndGradientsAreZeros) {
  const int64_t hidden = 6;
  for (const RecurrentCell cell : kCells) {
    const int64_t gates = gate_count(cell) * hidden;
    const Tensor input = values({2, 3, gates}, DType::f32, 1), weight = values({gates, hidden}, DType::f32, 2);
    const auto cpu = kernels::recurrent_forward(cell, input.clone(), weight, {}, {}, {});
    const auto cuda = kernels::recurrent_forward(cell, input.to(kCuda), weight.to(kCuda), {}, {}, {});
    expect_close(cuda.h, cpu.h, 1e-5, 1e-6);
    const Tensor dh = values({3, hidden}, DType::f32, 3);
    for (const bool wants_start : {true, false}) {
      const auto cuda_grads =
          kernels::recurrent_backward(cell, cuda, weight.to(kCuda), {}, dh.to(kCuda), {}, wants_start);
      const auto cpu_grads = kernels::recurrent_backward(cell, cpu, weight, {}, dh, {}, wants_start);
      expect_close(cuda_grads.gates, cpu_grads.gates, 1e-5, 1e-5);
      ASSERT_EQ(cuda_grads.h0.defined(), wants_start);
      if (wants_start) expect_close(cuda_grads.h0, cpu_grads.h0, 1e-5, 1e-5);
    }
  }
}

TEST_F(CudaRecurrent, AWholeTrainingStepCanBeCaptured) {
  const auto leaf = [](const Shape& shape, uint64_t seed) {
    return values(shape, DType::f32, seed, 0.5).to(kCuda).set_requires_grad();
  };
  const Tensor x = leaf({4, 3, 5}, 1);
  const std::vector<Tensor> weights{leaf({28, 5}, 2), leaf({28, 7}, 3), leaf({28}, 4), leaf({28}, 5),
                                    leaf({28, 7}, 6), leaf({28, 7}, 7), leaf({28}, 8), leaf({28}, 9)};
  const Tensor dy = values({4, 3, 7}, DType::f32, 10).to(kCuda);
  const auto step = [&] { recurrent(RecurrentCell::lstm, x, {}, weights, {.num_layers = 2}).output.backward(dy); };
  for (const Tensor& w : weights) Tensor(w).set_grad(zeros_like(w.detach()));
  step();
  std::vector<Tensor> expected;
  for (const Tensor& w : weights) {
    expected.push_back(w.grad().clone());
    w.grad().zero_();
  }
  cuda::Graph graph(kCuda);
  graph.capture(step);
  graph.replay();
  for (size_t i = 0; i < weights.size(); ++i) expect_close(weights[i].grad(), expected[i], 0, 0);
}

}  // namespace
}  // namespace gw
