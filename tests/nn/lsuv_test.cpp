#include "nn/lsuv.h"

#include <gtest/gtest.h>

#include "nn/linear.h"
#include "nn/models/models.h"
#include "nn/models/resblock.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

void expect_unit_variance(const std::vector<LsuvLayer>& layers) {
  for (const LsuvLayer& layer : layers) {
    if (layer.has_bias) {
      EXPECT_LT(std::abs(layer.mean), 1e-3) << layer.name;
    }
    EXPECT_LT(std::abs(layer.std - 1), 1e-3) << layer.name;
  }
}

TEST(Lsuv, GivesEveryActivationOfAPlainNetMeanZeroAndDeviationOne) {
  manual_seed(1);
  Sequential model(conv(1, 8, {.stride = 2, .norm = nullptr}), conv(8, 16, {.stride = 2, .norm = nullptr}),
                   conv(16, 16, {.stride = 1, .norm = nullptr}));
  const Tensor x = randn({64, 1, 12, 12});
  const auto layers = lsuv(model, x);
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_EQ(layers[1].name, "1.0");
  expect_unit_variance(layers);
  // What it reports is what the model now computes.
  const Tensor y = model(x);
  EXPECT_NEAR(y.mean().item(), layers[2].mean, 1e-5);
  EXPECT_NEAR(y.std({}, 0).item(), layers[2].std, 1e-5);
}

TEST(Lsuv, FitsResNetsAndLeavesTheirStatisticsAlone) {
  manual_seed(2);
  const auto model = make_model("resnet-slim", {.width = 0.25});
  const Tensor x = randn({16, 1, 28, 28});
  NamedTensors before;
  for (const auto& [name, t] : model->named_buffers()) before.emplace_back(name, t.clone());
  const PhiloxState generator = default_generator().state();
  const auto layers = lsuv(*model, x);
  EXPECT_EQ(layers.size(), 16u);
  expect_unit_variance(layers);
  EXPECT_FALSE(layers.back().has_bias);
  for (size_t i = 0; i < before.size(); ++i) expect_close(model->named_buffers()[i].second, before[i].second, 0, 0);
  EXPECT_EQ(default_generator().state().offset, generator.offset);
}

TEST(Lsuv, StopsWhereItCannotSucceed) {
  Linear constant(3, 2, /*bias=*/false);
  const auto layers = lsuv(constant, zeros({5, 3}));
  EXPECT_EQ(layers[0].steps, 0);
  Linear linear(3, 2);
  EXPECT_EQ(lsuv(linear, randn({50, 3}) * 7, {.tolerance = 0, .max_steps = 4})[0].steps, 4);
}

}  // namespace
}  // namespace gw
