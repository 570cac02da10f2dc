#include "nn/models/char_models.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "autograd/losses.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr int64_t kTokens = 7;

Tensor tokens(int64_t steps, int64_t batch, uint64_t seed = 1) {
  Generator generator(seed);
  return randint(0, kTokens, {steps, batch}, {.dtype = DType::i64}, generator);
}

StatefulCharOptions options(RecurrentCell cell, int64_t layers = 1) {
  StatefulCharOptions o;
  o.vocabulary = kTokens;
  o.embed = 5;
  o.hidden = 6;
  o.cell = cell;
  o.layers = layers;
  return o;
}

TEST(CharModels, TheLoopOverThreeStepsIsTheModelOfThree) {
  const CharModelOptions o{.vocabulary = kTokens, .embed = 5, .hidden = 6};
  Char3Model three(o);
  CharLoopModel loop(o);
  loop.load_state_dict(three.state_dict());
  const Tensor x = tokens(3, 4), y = three(x);
  EXPECT_EQ(y.shape(), (Shape{4, kTokens}));
  expect_close(loop(x), y, 0, 0);
  EXPECT_EQ(loop(tokens(8, 4)).shape(), (Shape{4, kTokens}));
  EXPECT_NE(message_of<ShapeError>([&] { three(tokens(4, 4)); }).find("three steps, got 4"), std::string::npos);
  EXPECT_THROW(loop(tokens(8, 4).select(1, 0)), ShapeError);
}

TEST(CharModels, TheStateSurvivesBatchesAndIsCutFromTheGraph) {
  for (const RecurrentCell cell : {RecurrentCell::rnn_tanh, RecurrentCell::gru, RecurrentCell::lstm}) {
    StatefulCharModel model(options(cell, 2));
    const Tensor x = tokens(6, 3);
    const Tensor whole = model(x).detach();
    model.reset_state();
    model(x.narrow(0, 0, 2)).sum().backward();
    EXPECT_FALSE(model.state().h.requires_grad());
    const Tensor rest = model(x.narrow(0, 2, 4));
    expect_close(rest, whole.narrow(0, 2, 4), 1e-5, 1e-6);
    rest.sum().backward();  // the first batch's graph is gone, and is not missed
    EXPECT_EQ(model.state().h.shape(), (Shape{2, 3, 6}));
    EXPECT_EQ(model.state().c.defined(), cell == RecurrentCell::lstm);
  }
}

TEST(CharModels, ActivationsInBf16) {
  for (const RecurrentCell cell : {RecurrentCell::rnn_tanh, RecurrentCell::gru, RecurrentCell::lstm}) {
    StatefulCharOptions o = options(cell, 2);
    StatefulCharModel exact(o);
    o.dtype = DType::bf16;
    StatefulCharModel mixed(o);
    mixed.load_state_dict(exact.state_dict());
    const Tensor x = tokens(6, 3);
    for (int batch = 0; batch < 2; ++batch) {  // the second goes on from the state of the first
      const Tensor y = mixed(x);
      EXPECT_EQ(y.dtype(), DType::bf16);
      expect_close(y.detach().to(DType::f32), exact(x).detach(), 2e-2, 2e-2);
      y.to(DType::f32).sum().backward();
    }
    for (const Tensor& p : mixed.parameters()) EXPECT_EQ(p.grad().dtype(), DType::f32);
  }
}

TEST(CharModels, ForgettingKeepsTheStatesMemory) {
  StatefulCharModel model(options(RecurrentCell::lstm));
  const Tensor x = tokens(4, 3), fresh = model(x).detach();
  const void* const memory = model.state().h.raw();
  model.reset_state();
  EXPECT_EQ(model.state().h.raw(), memory);
  expect_close(model(x).detach(), fresh, 0, 0);
}

TEST(CharModels, AnotherBatchSizeBeginsAnew) {
  StatefulCharModel model(options(RecurrentCell::gru));
  const Tensor x = tokens(4, 3), fresh = model(x.narrow(1, 0, 2)).detach();
  model(x);
  expect_close(model(x.narrow(1, 0, 2)), fresh, 0, 0);
}

TEST(CharModels, ParametersAreNamedAsInTheLesson) {
  std::string names;
  for (const auto& entry : StatefulCharModel(options(RecurrentCell::lstm)).named_parameters())
    names += entry.first + " ";
  EXPECT_EQ(names, "e.weight rnn.weight_ih_l0 rnn.weight_hh_l0 rnn.bias_ih_l0 rnn.bias_hh_l0 l_out.weight l_out.bias ");
}

TEST(CharModels, EachLearnsACycle) {
  manual_seed(5);
  for (const RecurrentCell cell : {RecurrentCell::rnn_tanh, RecurrentCell::gru, RecurrentCell::lstm}) {
    StatefulCharModel model(options(cell));
    Optimizer optimizer = adam(model.parameters(), {.lr = 0.03});
    const Tensor stream = from_values<int64_t>({0, 1, 0, 2, 0, 3, 0, 1, 0}, {9, 1}, {.dtype = DType::i64});
    const Tensor x = stream.narrow(0, 0, 8), y = stream.narrow(0, 1, 8).reshape({-1});
    double loss = 0;
    for (int step = 0; step < 120; ++step) {
      model.reset_state();
      const Tensor l = cross_entropy(model(x).reshape({-1, kTokens}), y);
      loss = l.item();
      l.backward();
      optimizer.step();
      optimizer.zero_grad();
    }
    EXPECT_LT(loss, 0.1);
  }
}

}  // namespace
}  // namespace gw
