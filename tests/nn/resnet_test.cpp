#include "nn/models/resnet.h"
#include "nn/models/imagenet_resnet.h"
#include "nn/models/models.h"

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
}

TEST(ResNet, AnUnknownNameIsAnErrorThatListsTheModels) {
  EXPECT_EQ(message_of<ConfigError>([] { make_model("resnet51"); }),
            "make_model: there is no model resnet51; there are convnet, resnet, resnet-wide, resnet-gap, resnet-slim, "
            "resnet-fast, resnet-drop, resnet9, cifar-simple, cifar-conv, cifar-bn-by-hand, cifar-bn, cifar-resnet, "
            "cifar-resnet2, small-cnn, imagenette-cnn, resnet18, resnet18d, resnet26d, resnet34, resnet50, xresnet18, "
            "xresnet34, xresnet50");
}

TEST(ResNet, EveryModelMakesClassesOfAnImage) {
  for (const char* name :
       {"convnet", "resnet", "resnet-wide", "resnet-gap", "resnet-slim", "resnet-fast", "resnet-drop", "resnet9"}) {
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

TEST(ResNet, ZeroInitTakesTheLastNormOfEveryBlock) {
  const auto model = make_model("resnet-fast", {.zero_init = true});
  for (const auto& [name, p] : model->named_parameters()) {
    const bool last_norm = name.find("convs.1.1.weight") != std::string::npos;
    EXPECT_EQ(p.detach().abs().max().item() == 0,
              last_norm || name.find(".1.bias") != std::string::npos || name == "7.bias")
        << name;
  }
  EXPECT_THROW(make_model("resnet", {.norm = nullptr, .zero_init = true}), ConfigError);
  EXPECT_THROW(make_model("resnet", {.zero_init = true, .pre_activation = true}), ConfigError);
}

/// Fails unless a small step along the gradient of every parameter lowers the loss.
void expect_learns(const std::string& name, const ModelOptions& o, double rate = 0.01) {
  manual_seed(3);
  const auto model = make_model(name, o);
  const Tensor x = randn({8, 1, 28, 28}), target = randint(0, 10, {8});
  const Tensor before = cross_entropy((*model)(x), target);
  before.backward();
  {
    const NoGrad no_grad;
    for (Tensor& p : model->parameters()) {
      ASSERT_TRUE(p.grad().defined());
      p.add_(p.grad(), -rate);
    }
  }
  EXPECT_LT(cross_entropy((*model)(x), target).item(), before.item());
}

TEST(ResNet, TakesEveryActivation) {
  for (const std::string& act : activation_names()) {
    SCOPED_TRACE(act);
    const std::string type = activation_named(act)()->type_name();
    const auto model = make_model("resnet-slim", {.act = activation_named(act)});
    int found = 0;
    for (Module* m : model->modules()) found += m->type_name() == type;
    EXPECT_EQ(found, 10);  // two in each block
    expect_learns("resnet-slim", {.act = activation_named(act)});
  }
  EXPECT_EQ(message_of<ConfigError>([] { activation_named("step"); }),
            "activation: expected one of gelu, general-relu, leaky-relu, mish, relu, silu, got 'step'");
}

TEST(ResNet, ActivationsTakeNumbers) {
  const auto relu = [](const std::string& name) {
    return dynamic_cast<const GeneralRelu&>(*activation_named(name)()).options;
  };
  EXPECT_EQ(relu("general-relu").sub, 0.4f);
  EXPECT_EQ(relu("general-relu:0.2").leak, 0.2f);
  EXPECT_EQ(relu("general-relu:0.2").sub, 0.4f);
  EXPECT_EQ(relu("general-relu:0.2:0.5").sub, 0.5f);
  EXPECT_EQ(relu("leaky-relu:0.05").leak, 0.05f);
  for (const char* name : {"silu:1", "leaky-relu:1:2", "general-relu:", "general-relu:x", "general-relu:nan", ":1"})
    EXPECT_THROW(activation_named(name), ConfigError) << name;
}

TEST(ResNet, WidthMultipliesTheChannels) {
  const auto model = make_model("resnet", {.width = 2});
  const auto wide = make_model("resnet-gap", {.width = 0.5});
  EXPECT_EQ(model->state_dict()[0].second.shape(), Shape({16, 1, 3, 3}));
  EXPECT_EQ(wide->state_dict()[0].second.shape(), Shape({8, 1, 5, 5}));
  for (const char* name : {"convnet", "resnet", "resnet-wide", "resnet-gap", "resnet-slim", "resnet-fast",
                           "resnet-drop", "resnet9", "resnet18d"}) {
    const auto narrow = make_model(name, {.width = 0.3});
    narrow->eval();
    EXPECT_EQ((*narrow)(zeros({1, 1, 28, 28})).shape(), Shape({1, 10})) << name;
  }
  EXPECT_EQ(message_of<ConfigError>([] { make_model("resnet", {.width = 0.01}); }),
            "width: expected 1 to 1e+06 channels, got 8 times 0.01");
  EXPECT_THROW(make_model("resnet18", {.width = -1}), ConfigError);
}

TEST(ResNet, InitialisationReckonsWithTheLeak) {
  EXPECT_EQ(leak_of(make_general_relu()), 0.1f);
  EXPECT_EQ(leak_of(activation_named("leaky-relu")), 0.1f);
  EXPECT_EQ(leak_of(activation_named("relu")), 0);
  EXPECT_EQ(leak_of(activation_named("gelu")), 0);
  manual_seed(1);
  const Tensor relu = make_model("resnet-slim", {.act = make_relu()})->parameters()[0].detach();
  manual_seed(1);
  const Tensor leaky = make_model("resnet-slim")->parameters()[0].detach();
  expect_close(leaky * std::sqrt(1.01), relu, 1e-5, 1e-6);
}

TEST(ResNet, WithoutNormsTheClassifierHasABias) {
  EXPECT_EQ(norm_names(), (std::vector<std::string>{"batch", "group", "instance", "layer", "none", "running"}));
  EXPECT_THROW(norm_named("spectral"), ConfigError);
  for (const char* name : {"convnet", "resnet", "resnet-wide", "resnet-gap"}) {
    SCOPED_TRACE(name);
    const auto model = make_model(name, {.norm = norm_named("none")});
    for (Module* m : model->modules()) EXPECT_EQ(dynamic_cast<BatchNorm*>(m), nullptr);
    EXPECT_EQ(model->named_parameters().back().second.shape(), Shape({10}));
    model->eval();
    EXPECT_TRUE(std::isfinite((*model)(randn({2, 1, 28, 28})).sum().item()));
  }
  expect_learns("resnet-slim", {.norm = nullptr}, 1e-3);
}

TEST(ResNet, LearnsWithEveryNorm) {
  for (const char* name : {"group", "instance", "layer", "running"}) {
    SCOPED_TRACE(name);
    expect_learns("resnet-slim", {.norm = norm_named(name), .classifier_norm = classifier_norm_named(name)}, 1e-3);
    EXPECT_NO_THROW(make_model("resnet-slim", {.norm = norm_named(name), .zero_init = true}));
  }
}

TEST(ResNet, GroupNormsHaveAtLeastFourChannelsInAGroup) {
  const auto groups = [](int64_t channels) {
    return dynamic_cast<GroupNorm&>(*make_group_norm()(channels)).num_groups;
  };
  EXPECT_EQ(groups(3), 1);
  EXPECT_EQ(groups(10), 2);
  EXPECT_EQ(groups(16), 4);
  EXPECT_EQ(groups(44), 11);
  EXPECT_EQ(groups(512), 32);
}

TEST(ResNet, SqueezeExciteEndsEveryBlock) {
  const auto model = make_model("resnet-slim", {.squeeze_excite = true});
  int found = 0;
  for (Module* m : model->modules()) found += m->type_name() == "SqueezeExcite";
  EXPECT_EQ(found, 5);
  EXPECT_EQ(model->state_dict()[14].first, "0.convs.2.fc1.weight");
  expect_learns("resnet-slim", {.squeeze_excite = true});
  EXPECT_THROW(make_model("convnet", {.squeeze_excite = true}), ConfigError);
}

TEST(ResNet, PreActivationKeepsThePathAroundClear) {
  manual_seed(6);
  ResBlock block(4, 4, {.pre_activation = true});
  const Tensor x = randn({3, 4, 5, 5});
  Tensor branch;
  const HookHandle handle = block.named_children()[0].second->register_forward_hook(
      [&](Module&, const Tensor&, Tensor& y) { branch = y.detach(); });
  const Tensor y = block(x);
  expect_close(y, x + branch);
  EXPECT_EQ(block.named_children().size(), 1u);
  const auto model = make_model("resnet-slim", {.pre_activation = true});
  std::vector<std::string> types;
  for (const auto& entry : model->named_children()) types.push_back(entry.second->type_name());
  EXPECT_EQ(types, (std::vector<std::string>{"ResBlock", "ResBlock", "ResBlock", "ResBlock", "ResBlock", "BatchNorm2d",
                                             "GeneralRelu", "GlobalAvgPool", "Linear", "BatchNorm1d"}));
  expect_learns("resnet-slim", {.pre_activation = true});
  expect_learns("resnet-wide", {.squeeze_excite = true, .pre_activation = true});
}

TEST(ResNet, DropIsResnetWideWithDropout) {
  const auto model = make_model("resnet-drop", {.drop = 0.3});
  EXPECT_EQ(model->named_children().at(1).second->to_string(), "Dropout2d(p=0.3)");
  EXPECT_EQ(model->named_children().at(8).second->to_string(), "Dropout(p=0.3)");
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
