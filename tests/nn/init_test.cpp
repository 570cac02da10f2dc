#include "nn/init.h"

#include <gtest/gtest.h>

#include <cmath>

#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/models/resblock.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

double std_of(const Tensor& t) { return t.detach().std().item(); }
double largest(const Tensor& t) { return t.detach().abs().max().item(); }

TEST(Init, FansAndGains) {
  EXPECT_EQ(init::fan_in_and_out(empty({8, 3, 5, 5})), (std::pair<int64_t, int64_t>{75, 200}));
  EXPECT_EQ(init::fan_in_and_out(empty({4, 7})), (std::pair<int64_t, int64_t>{7, 4}));
  EXPECT_THROW(init::fan_in_and_out(empty({4})), ShapeError);
  EXPECT_DOUBLE_EQ(init::calculate_gain(init::Nonlinearity::leaky_relu, 0.1), std::sqrt(2 / 1.01));
  EXPECT_DOUBLE_EQ(init::calculate_gain(init::Nonlinearity::relu), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(init::calculate_gain(init::Nonlinearity::tanh), 5.0 / 3);
  EXPECT_DOUBLE_EQ(init::calculate_gain(init::Nonlinearity::sigmoid), 1);
}

TEST(Init, DistributionsHaveTheirWidths) {
  Generator g(1);
  const Tensor w = empty({64, 32, 5, 5});
  init::kaiming_normal_(w, {.a = 0.1}, g);
  const double kaiming = std::sqrt(2 / 1.01 / 800);
  EXPECT_NEAR(std_of(w), kaiming, 0.02 * kaiming);
  init::kaiming_normal_(w, {.mode = init::FanMode::fan_out, .nonlinearity = init::Nonlinearity::relu}, g);
  EXPECT_NEAR(std_of(w), std::sqrt(2.0 / 1600), 0.02 * std::sqrt(2.0 / 1600));
  init::kaiming_uniform_(w, {}, g);
  const double bound = std::sqrt(6.0 / 800);
  EXPECT_LE(largest(w), bound);
  EXPECT_GT(largest(w), 0.999 * bound);
  init::xavier_uniform_(w, 2, g);
  EXPECT_NEAR(largest(w), 2 * std::sqrt(6.0 / 2400), 1e-3 * largest(w));
  init::xavier_normal_(w, 1, g);
  EXPECT_NEAR(std_of(w), std::sqrt(2.0 / 2400), 0.02 * std::sqrt(2.0 / 2400));
  init::normal_(w, 3, 0.5, g);
  EXPECT_NEAR(w.mean().item(), 3, 0.01);
  EXPECT_NEAR(std_of(w), 0.5, 0.01);
  init::uniform_(w, -2, -1, g);
  EXPECT_GE(w.min().item(), -2);
  EXPECT_LT(w.max().item(), -1);
  EXPECT_NEAR(w.mean().item(), -1.5, 0.01);
}

TEST(Init, LayersStartAsPyTorchs) {
  manual_seed(2);
  const Linear linear(100, 300);
  EXPECT_LE(largest(linear.weight), 0.1);
  EXPECT_GT(largest(linear.weight), 0.0999);
  EXPECT_LE(largest(linear.bias), 0.1);
  EXPECT_GT(largest(linear.bias), 0.09);
  const Conv2d conv(4, 100, 5);
  EXPECT_LE(largest(conv.weight), 0.1);
  EXPECT_GT(largest(conv.weight), 0.0999);
  EXPECT_LE(largest(conv.bias), 0.1);
}

TEST(Init, ValuesDependOnTheSeedAndNotOnTheLayout) {
  const Tensor rows = empty({6, 3, 5, 4}), channels = empty({6, 3, 5, 4}, {}, MemoryFormat::channels_last);
  Generator a(7), b(7), c(8);
  init::kaiming_normal_(rows, {}, a);
  init::kaiming_normal_(channels, {}, b);
  expect_close(channels, rows, 0, 0);
  init::kaiming_normal_(channels, {}, c);
  EXPECT_GT((channels - rows).abs().max().item(), 0.1);
}

TEST(Init, WorksOnParametersWithoutRecording) {
  Conv2d layer(2, 3, 3);
  const uint64_t version = layer.weight.version();
  init::normal_(layer.weight);
  EXPECT_TRUE(layer.weight.is_leaf());
  EXPECT_GT(layer.weight.version(), version);
  init::ones_(layer.weight);
  expect_close(layer.weight, std::vector<double>(54, 1));
  init::zeros_(layer.bias);
  expect_close(layer.bias, {0, 0, 0});
}

TEST(Init, InitWeightsTouchesConvolutionsOnly) {
  manual_seed(3);
  Sequential model(Conv2d(16, 64, 5), BatchNorm2d(64), Linear(64, 64));
  const Tensor linear_before = model[2].parameters()[0].detach().clone();
  const Tensor bias_before = model[0].parameters()[1].detach().clone();
  model.apply(init_weights(0.1));
  const double expected = std::sqrt(2 / 1.01 / 400);
  EXPECT_NEAR(std_of(model[0].parameters()[0]), expected, 0.03 * expected);
  expect_close(model[0].parameters()[1], bias_before, 0, 0);
  expect_close(model[2].parameters()[0], linear_before, 0, 0);
}

}  // namespace
}  // namespace gw
