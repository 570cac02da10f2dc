#include "nn/recurrent.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(Recurrent, ParametersHavePyTorchsNamesAndShapes) {
  const LSTM lstm(3, 5, {.num_layers = 2, .bidirectional = true});
  std::string names;
  for (const auto& [name, t] : lstm.named_parameters()) names += name + " " + t.shape().to_string() + "\n";
  EXPECT_EQ(names,
            "weight_ih_l0 [20, 3]\nweight_hh_l0 [20, 5]\nbias_ih_l0 [20]\nbias_hh_l0 [20]\n"
            "weight_ih_l0_reverse [20, 3]\nweight_hh_l0_reverse [20, 5]\nbias_ih_l0_reverse [20]\n"
            "bias_hh_l0_reverse [20]\n"
            "weight_ih_l1 [20, 10]\nweight_hh_l1 [20, 5]\nbias_ih_l1 [20]\nbias_hh_l1 [20]\n"
            "weight_ih_l1_reverse [20, 10]\nweight_hh_l1_reverse [20, 5]\nbias_ih_l1_reverse [20]\n"
            "bias_hh_l1_reverse [20]\n");
  EXPECT_EQ(GRU(3, 5, {.bias = false}).named_parameters().size(), 2u);
  EXPECT_EQ(GRUCell(3, 5).named_parameters()[3].first, "bias_hh");
}

TEST(Recurrent, WeightsStartUniformWithinTheBound) {
  const GRU gru(100, 64);
  for (const Tensor& p : gru.parameters()) {
    EXPECT_LE(p.abs().max().item(), 0.125);
    EXPECT_NEAR(p.detach().std().item(), 0.125 / std::sqrt(3.0), 0.01);
  }
}

TEST(Recurrent, TheStateCarriesASequenceOn) {
  LSTM lstm(4, 6, {.num_layers = 2});
  const NoGrad no_grad;
  const Tensor x = randn({7, 3, 4});
  const RecurrentResult whole = lstm.forward(x, {});
  const RecurrentResult first = lstm.forward(x.narrow(0, 0, 3), {});
  const RecurrentResult second = lstm.forward(x.narrow(0, 3, 4), first.state);
  expect_close(second.output, whole.output.narrow(0, 3, 4), 1e-6, 1e-7);
  expect_close(second.state.c, whole.state.c, 1e-6, 1e-7);
  EXPECT_EQ(whole.state.h.shape(), (Shape{2, 3, 6}));
}

TEST(Recurrent, ACellIsALayersStep) {
  GRU gru(4, 6);
  GRUCell cell(4, 6);
  NamedTensors weights;
  for (const auto& [name, t] : gru.state_dict()) weights.emplace_back(name.substr(0, name.size() - 3), t);
  cell.load_state_dict(weights);
  const Tensor x = randn({5, 3, 4}), y = gru(x);
  RecurrentState state;
  for (int64_t t = 0; t < 5; ++t) {
    state = cell.forward(x.select(0, t), state);
    expect_close(state.h, y.select(0, t), 1e-6, 1e-7);
  }
}

TEST(Recurrent, PrintsAsPyTorchDoes) {
  EXPECT_EQ(LSTM(3, 5, {.num_layers = 2, .batch_first = true, .dropout = 0.5}).to_string(),
            "LSTM(3, 5, num_layers=2, batch_first=True, dropout=0.5)");
  EXPECT_EQ(GRUCell(3, 5, false).to_string(), "GRUCell(3, 5, bias=False)");
}

TEST(Recurrent, ImpossibleSizesAreRefused) {
  EXPECT_THROW(RNN(0, 5), ConfigError);
  EXPECT_THROW(GRU(3, 5, {.num_layers = 0}), ConfigError);
  EXPECT_THROW(LSTM(3, 5, {.dropout = 1.5}), ConfigError);
  EXPECT_THROW(LSTMCell(3, -1), ConfigError);
}

}  // namespace
}  // namespace gw
