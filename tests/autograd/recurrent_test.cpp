#include "autograd/recurrent.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "autograd/gradcheck.h"
#include "autograd/matmul.h"
#include "autograd/record_outputs.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr RecurrentCell kCells[] = {RecurrentCell::rnn_tanh, RecurrentCell::rnn_relu, RecurrentCell::gru,
                                    RecurrentCell::lstm};

/// A layer's input, states and weights.
struct Problem {
  Tensor x, h0, c0;
  RecurrentWeights weights;

  std::vector<Tensor> leaves() const {
    return {x, h0, c0, weights.weight_ih, weights.weight_hh, weights.bias_ih, weights.bias_hh};
  }
};

Problem problem(RecurrentCell cell, int64_t steps, int64_t batch, int64_t in, int64_t hidden,
                double hidden_scale = 0.5) {
  Generator generator(7);
  const auto leaf = [&](const Shape& shape, double scale) {
    return (randn(shape, {}, generator) * scale).set_requires_grad();
  };
  const int64_t gates = gate_count(cell) * hidden;
  const Tensor c0 = cell == RecurrentCell::lstm ? leaf({batch, hidden}, 1) : Tensor{};
  return {leaf({steps, batch, in}, 1),
          leaf({batch, hidden}, 1),
          c0,
          {leaf({gates, in}, 0.5), leaf({gates, hidden}, hidden_scale), leaf({gates}, 0.5), leaf({gates}, 0.5)}};
}

/// One step in elementary operations, as the formulas stand in kernels/recurrent.h.
RecurrentState plain_step(RecurrentCell cell, const Tensor& x, const RecurrentState& s, const RecurrentWeights& w) {
  const Tensor a = linear(x, w.weight_ih, w.bias_ih), b = linear(s.h, w.weight_hh, w.bias_hh);
  const int64_t n = s.h.size(1);
  const auto gate = [n](const Tensor& t, int64_t i) { return t.narrow(1, i * n, n); };
  if (cell == RecurrentCell::rnn_tanh) return {(a + b).tanh(), {}};
  if (cell == RecurrentCell::rnn_relu) return {(a + b).relu(), {}};
  if (cell == RecurrentCell::gru) {
    const Tensor r = (gate(a, 0) + gate(b, 0)).sigmoid(), z = (gate(a, 1) + gate(b, 1)).sigmoid();
    const Tensor candidate = (gate(a, 2) + r * gate(b, 2)).tanh();
    return {candidate + z * (s.h - candidate), {}};
  }
  const Tensor sum = a + b;
  const Tensor c = gate(sum, 1).sigmoid() * s.c + gate(sum, 0).sigmoid() * gate(sum, 2).tanh();
  return {gate(sum, 3).sigmoid() * c.tanh(), c};
}

TEST(RecurrentOp, EqualsTheFormulasStepByStepWithAllGradients) {
  for (const RecurrentCell cell : kCells) {
    const Problem p = problem(cell, 5, 3, 4, 19), q = problem(cell, 5, 3, 4, 19);
    const RecurrentResult found = recurrent_layer(cell, p.x, {p.h0, p.c0}, p.weights);
    RecurrentState state{q.h0, q.c0};
    Generator generator(8);
    Tensor loss, plain_loss;
    for (int64_t t = 0; t < 5; ++t) {
      state = plain_step(cell, q.x.select(0, t), state, q.weights);
      const Tensor weight = randn({3, 19}, {}, generator);
      const Tensor here = (found.output.select(0, t) * weight).sum(), plain = (state.h * weight).sum();
      loss = t == 0 ? here : loss + here;
      plain_loss = t == 0 ? plain : plain_loss + plain;
      expect_close(found.output.select(0, t), state.h, 1e-5, 2e-6);
    }
    const Tensor weight = randn({3, 19}, {}, generator);
    const Tensor last = cell == RecurrentCell::lstm ? found.state.c : found.state.h;
    const Tensor plain_last = cell == RecurrentCell::lstm ? state.c : state.h;
    (loss + (last * weight).sum()).backward();
    (plain_loss + (plain_last * weight).sum()).backward();
    for (size_t i = 0; i < p.leaves().size(); ++i)
      if (p.leaves()[i].defined()) expect_close(p.leaves()[i].grad(), q.leaves()[i].grad(), 1e-4, 2e-5);
  }
}

TEST(RecurrentOp, GradientsAgreeWithFiniteDifferences) {
  for (const RecurrentCell cell : {RecurrentCell::rnn_tanh, RecurrentCell::gru, RecurrentCell::lstm}) {
    const Problem p = problem(cell, 3, 2, 3, 4);
    std::vector<Tensor> inputs = p.leaves();
    if (!p.c0.defined()) inputs.erase(inputs.begin() + 2);
    const auto f = [cell](const std::vector<Tensor>& in) {
      const size_t w = cell == RecurrentCell::lstm ? 3 : 2;
      const RecurrentResult result =
          recurrent_layer(cell, in[0], {in[1], w == 3 ? in[2] : Tensor{}}, {in[w], in[w + 1], in[w + 2], in[w + 3]});
      return w == 3 ? result.output.sum({0}) + result.state.c : result.output.sum({0}) + result.state.h;
    };
    EXPECT_EQ(gradcheck(f, inputs), "");
  }
}

TEST(RecurrentOp, LargeBatchesAndChunksEqualSingleRows) {
  for (const RecurrentCell cell : kCells) {
    const Problem p = problem(cell, 3, 150, 9, 33);
    const RecurrentResult whole = recurrent_layer(cell, p.x, {p.h0, p.c0}, p.weights);
    for (const int64_t row : {0, 74, 75, 149}) {
      const Tensor c0 = p.c0.defined() ? p.c0.narrow(0, row, 1) : Tensor{};
      const RecurrentResult one = recurrent_layer(cell, p.x.narrow(1, row, 1), {p.h0.narrow(0, row, 1), c0}, p.weights);
      expect_close(one.output, whole.output.narrow(1, row, 1), 1e-5, 1e-6);
    }
  }
}

void bf16_stays_near_f32(int64_t batch, int64_t hidden, double hidden_scale) {
  for (const RecurrentCell cell : kCells) {
    Problem p = problem(cell, 4, batch, 5, hidden, hidden_scale);
    const RecurrentResult wide = recurrent_layer(cell, p.x, {p.h0, p.c0}, p.weights);
    (wide.output * wide.output).sum().backward();
    Problem q = problem(cell, 4, batch, 5, hidden, hidden_scale);
    const RecurrentResult narrow = recurrent_layer(cell, q.x.to(DType::bf16), {q.h0, q.c0}, q.weights);
    EXPECT_EQ(narrow.output.dtype(), DType::bf16);
    const Tensor y = narrow.output.to(DType::f32);
    expect_close(y, wide.output, 3e-2, 3e-2);
    (y * y).sum().backward();
    EXPECT_EQ(q.weights.weight_hh.grad().dtype(), DType::f32);
    const double norm = std::sqrt((p.weights.weight_hh.grad() * p.weights.weight_hh.grad()).sum().item());
    const Tensor difference = p.weights.weight_hh.grad() - q.weights.weight_hh.grad();
    EXPECT_LT(std::sqrt((difference * difference).sum().item()), 0.03 * norm);
  }
}

TEST(RecurrentOp, Bf16StaysNearF32AndItsWeightsGetF32Gradients) { bf16_stays_near_f32(3, 21, 0.5); }

// Enough rows and columns for tile registers, where the processor has them; small weights, so that many terms do not
// saturate the gates.
TEST(RecurrentOp, Bf16StaysNearF32InTiles) { bf16_stays_near_f32(70, 81, 0.1); }

TEST(RecurrentOp, StatesLeftOutAreZerosAndGradientsMayBeMissing) {
  const Problem p = problem(RecurrentCell::lstm, 2, 3, 4, 5);
  const RecurrentResult found = recurrent_layer(RecurrentCell::lstm, p.x, {}, p.weights);
  const RecurrentResult zero = recurrent_layer(RecurrentCell::lstm, p.x, {zeros({3, 5}), zeros({3, 5})}, p.weights);
  expect_close(found.output, zero.output, 0, 0);
  found.state.c.sum().backward();  // nothing comes through the output
  EXPECT_TRUE(p.x.grad().defined());
  EXPECT_FALSE(p.h0.grad().defined());
}

TEST(RecurrentOp, AStartFromNothingHasTheGradientsOfAStartFromZeros) {
  for (const RecurrentCell cell : kCells)
    for (const int64_t steps : {1, 4}) {
      const Problem p = problem(cell, steps, 3, 4, 19), q = problem(cell, steps, 3, 4, 19);
      const Tensor zero = zeros({3, 19}, {.requires_grad = true}),
                   c0 = cell == RecurrentCell::lstm ? zeros({3, 19}, {.requires_grad = true}) : Tensor{};
      const RecurrentResult from_nothing = recurrent_layer(cell, p.x, {}, p.weights);
      const RecurrentResult from_zeros = recurrent_layer(cell, q.x, {zero, c0}, q.weights);
      (from_nothing.output * from_nothing.output).sum().backward();
      (from_zeros.output * from_zeros.output).sum().backward();
      EXPECT_TRUE(zero.grad().defined());
      for (const auto& [got, expected] : {std::pair{p.x, q.x},
                                          {p.weights.weight_ih, q.weights.weight_ih},
                                          {p.weights.weight_hh, q.weights.weight_hh},
                                          {p.weights.bias_ih, q.weights.bias_ih},
                                          {p.weights.bias_hh, q.weights.bias_hh}})
        expect_close(got.grad(), expected.grad(), 1e-6, 1e-6);
    }
}

TEST(RecurrentOp, ReadsTransposedInput) {
  const Problem p = problem(RecurrentCell::gru, 3, 4, 5, 6);
  const Tensor batch_first = p.x.detach().transpose(0, 1).contiguous();
  expect_close(recurrent_layer(RecurrentCell::gru, batch_first.transpose(0, 1), {}, p.weights).output,
               recurrent_layer(RecurrentCell::gru, p.x, {}, p.weights).output, 0, 0);
}

TEST(RecurrentOp, AnEmptyBatchHasEmptyOutputAndZeroGradients) {
  const Problem p = problem(RecurrentCell::gru, 3, 0, 2, 4);
  const RecurrentResult found = recurrent_layer(RecurrentCell::gru, p.x, {p.h0, {}}, p.weights);
  EXPECT_EQ(found.output.shape(), (Shape{3, 0, 4}));
  found.output.backward(zeros({3, 0, 4}));
  EXPECT_EQ(p.weights.weight_hh.grad().abs().sum().item(), 0);
}

TEST(RecurrentOp, WrongShapesAreNamed) {
  const Problem p = problem(RecurrentCell::gru, 3, 2, 5, 4);
  const auto message = [&](const Tensor& x, const RecurrentState& state, const RecurrentWeights& w) {
    return message_of<ShapeError>([&] { recurrent_layer(RecurrentCell::gru, x, state, w); });
  };
  EXPECT_NE(message(zeros({3, 2, 7}), {}, p.weights).find("[3, 2, 7]"), std::string::npos);
  EXPECT_NE(message(zeros({0, 2, 5}), {}, p.weights).find("at least one step"), std::string::npos);
  EXPECT_NE(message(p.x, {zeros({3, 4}), {}}, p.weights).find("[2, 4], got [3, 4]"), std::string::npos);
  RecurrentWeights wrong = p.weights;
  wrong.weight_hh = zeros({12, 5});
  EXPECT_NE(message(p.x, {}, wrong).find("[12, 5]"), std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] {
              recurrent(RecurrentCell::gru, p.x, {}, std::vector<Tensor>{p.weights.weight_ih}, {.num_layers = 2});
            }).find("expected 8 weights"),
            std::string::npos);
}

TEST(RecurrentOp, DropoutActsBetweenLayersInTrainingOnly) {
  const Problem p = problem(RecurrentCell::gru, 3, 2, 4, 4);
  const std::vector<Tensor> one{p.weights.weight_ih, p.weights.weight_hh, p.weights.bias_ih, p.weights.bias_hh};
  std::vector<Tensor> two = one;
  two.insert(two.end(), one.begin(), one.end());
  const auto run = [&](const std::vector<Tensor>& weights, const RecurrentOptions& o) {
    return recurrent(RecurrentCell::gru, p.x, {}, weights, o).output;
  };
  expect_close(run(two, {.num_layers = 2, .dropout = 0.5}), run(two, {.num_layers = 2}), 0, 0);
  expect_close(run(one, {.dropout = 0.5, .training = true}), run(one, {}), 0, 0);
  // Without any input the second layer is what it makes of zeros.
  const Tensor nothing = recurrent(RecurrentCell::gru, zeros({3, 2, 4}), {}, one, {}).output;
  expect_close(run(two, {.num_layers = 2, .dropout = 1, .training = true}), nothing, 1e-6, 1e-7);
}

TEST(RecordOutputs, CollectsTheGradientsOfAllOutputs) {
  Tensor x = tensor({1, 2}, {.requires_grad = true});
  int calls = 0;
  const auto make = [&] {
    return record_outputs("pair", {x.detach().clone(), x.detach().clone(), {}}, std::array{x}, [&](const Grads& g) {
      ++calls;
      EXPECT_EQ(g.size(), 3u);
      Tensor sum;
      for (size_t i = 0; i < 2; ++i)
        if (g[i].defined()) sum = sum.defined() ? kernels::add(sum, g[i] * (i + 1.0)) : g[i] * (i + 1.0);
      return Grads{sum};
    });
  };
  const auto both = make();
  (both[0] + both[1] * 10).sum().backward();
  EXPECT_EQ(calls, 1);
  expect_close(x.grad(), {21, 21});
  const auto second = make();
  x.set_grad({});
  second[1].backward(tensor({1, 2}), /*retain_graph=*/true);
  second[0].backward(tensor({1, 1}));
  expect_close(x.grad(), {3, 5});
}

}  // namespace
}  // namespace gw
