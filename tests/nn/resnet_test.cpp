#include "nn/models/resnet.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "nn/losses.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(ResNet, ParameterCountsAreTheLessons) {
  const std::pair<const char*, int64_t> expected[] = {
      {"convnet", 110286},      {"resnet", 1228908},      {"resnet-wide", 4907588}, {"resnet-gap", 4907588},
      {"resnet-slim", 1231428}, {"resnet-fast", 1224948}, {"resnet-drop", 4907588}};
  for (const auto& [name, count] : expected) EXPECT_EQ(make_model(name)->num_parameters(), count) << name;
  EXPECT_EQ(model_names().size(), std::size(expected));
}

TEST(ResNet, AnUnknownNameIsAnErrorThatListsTheModels) {
  EXPECT_EQ(message_of<ConfigError>([] { make_model("resnet50"); }),
            "make_model: there is no model resnet50; there are convnet, resnet, resnet-wide, resnet-gap, resnet-slim, "
            "resnet-fast, resnet-drop");
}

TEST(ResNet, EveryModelMakesClassesOfAnImage) {
  for (const std::string& name : model_names()) {
    const auto model = make_model(name, {.in_channels = 3, .classes = 7});
    model->eval();
    EXPECT_EQ((*model)(zeros({1, 3, 28, 28})).shape(), Shape({1, 7})) << name;
  }
}

TEST(ResNet, WeightsHavePyTorchsNamesAndLayouts) {
  const NamedTensors state = make_model("resnet")->state_dict();
  EXPECT_EQ(state[0].first, "0.convs.0.0.weight");
  EXPECT_EQ(state[0].second.shape(), Shape({8, 1, 3, 3}));
  std::vector<std::string> last;
  for (size_t i = state.size() - 6; i < state.size(); ++i) last.push_back(state[i].first);
  EXPECT_EQ(last, (std::vector<std::string>{"7.weight", "8.weight", "8.bias", "8.running_mean", "8.running_var",
                                            "8.num_batches_tracked"}));
}

TEST(ResNet, ConvolutionsStartKaimingNormal) {
  manual_seed(1);
  const auto model = make_model("resnet-wide");
  for (const auto& [name, p] : model->named_parameters()) {
    if (p.numel() < 100000) continue;
    const double expected = std::sqrt(2 / 1.01 / static_cast<double>(p.numel() / p.size(0)));
    EXPECT_NEAR(p.detach().std().item(), expected, 0.02 * expected) << name;
  }
}

TEST(ResNet, TheSeedDecidesTheWeights) {
  manual_seed(5);
  const auto a = make_model("convnet");
  manual_seed(5);
  const auto b = make_model("convnet");
  const auto c = make_model("convnet");
  for (size_t i = 0; i < a->parameters().size(); ++i)
    expect_close(a->parameters()[i], b->parameters()[i].detach(), 0, 0);
  EXPECT_GT((a->parameters()[0] - c->parameters()[0]).abs().max().item(), 0);
}

TEST(ResNet, WeightsOfAnotherModelAreRefusedInOneLine) {
  const auto slim = make_model("resnet-slim");
  const std::string message =
      message_of<ShapeError>([&] { slim->load_state_dict(make_model("resnet")->state_dict()); });
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_LT(message.size(), 500u);
  EXPECT_NE(message.find("0.convs.0.0.weight (f32 [8, 1, 3, 3], expected f32 [16, 1, 5, 5])"), std::string::npos)
      << message;
}

TEST(ResNet, AZeroInitialisedBlockBeginsAsTheIdentity) {
  manual_seed(2);
  const Tensor x = randn({4, 6, 5, 5});
  ResBlock block(6, 6, {.zero_init = true});
  expect_close(block(x), general_relu(x, {.leak = 0.1f, .sub = 0.4f}), 1e-5, 1e-5);
  EXPECT_THROW(ResBlock(6, 6, {.stride = 3}), ConfigError);
}

TEST(ResNet, DropIsResnetWideWithDropout) {
  const auto model = make_model("resnet-drop", {.drop = 0.3});
  EXPECT_EQ((*model)[1].to_string(), "Dropout2d(p=0.3)");
  EXPECT_EQ((*model)[8].to_string(), "Dropout(p=0.3)");
  EXPECT_THROW(make_model("resnet-drop", {.drop = 2}), ConfigError);
}

TEST(ResNet, EveryParameterGetsAGradientAndAStepLowersTheLoss) {
  manual_seed(3);
  const auto model = make_model("resnet");
  const Tensor x = randn({16, 1, 28, 28}), target = randint(0, 10, {16});
  const Tensor before = cross_entropy((*model)(x), target);
  before.backward();
  {
    const NoGrad no_grad;
    for (Tensor& p : model->parameters()) {
      ASSERT_TRUE(p.grad().defined());
      p.add_(p.grad(), -0.05);
    }
  }
  EXPECT_FALSE(x.grad().defined());
  EXPECT_LT(cross_entropy((*model)(x), target).item(), before.item());
}

}  // namespace
}  // namespace gw
