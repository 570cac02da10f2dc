// The ResNets of ImageNet against timm's and torchvision's: tests/golden/models (see model_files.py there).
#include "nn/models/imagenet_resnet.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "nn/losses.h"
#include "nn/models/models.h"
#include "nn/summary.h"
#include "tensor/creation.h"
#include "tests/golden/golden_files.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

uint64_t fnv1a(const std::string& text) {
  uint64_t h = 0xCBF29CE484222325u;
  for (const char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return h;
}

/// Uniform numbers in [low, high), which the generator of the golden files draws alike: splitmix64, seeded by the name.
Tensor values(const std::string& name, const Shape& shape, double low, double high) {
  const Tensor t = empty(shape);
  uint64_t state = fnv1a(name);
  for (int64_t i = 0; i < t.numel(); ++i) {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    t.data<float>()[i] = static_cast<float>(low + (high - low) * (static_cast<double>(z >> 40) * 0x1p-24));
  }
  return t;
}

Tensor weight(const std::string& name, const Shape& shape) {
  if (shape.size() > 1) {
    const double bound = std::sqrt(3 / static_cast<double>(shape.numel() / shape[0]));
    return values(name, shape, -bound, bound);
  }
  const bool around_one = name.ends_with("running_var") || name.ends_with("weight");
  return values(name, shape, around_one ? 0.5 : -0.2, around_one ? 1.5 : 0.2);
}

void set_weights(Module& model) {
  for (auto& [name, t] : model.state_dict()) {
    const NoGrad no_grad;
    if (is_floating(t.dtype())) Tensor(t).copy_(weight(name, t.shape()));
  }
  model.eval();
}

std::string state_lines(const Module& model) {
  std::string lines;
  for (const auto& [name, t] : model.state_dict()) lines += name + " " + t.shape().to_string() + "\n";
  return lines;
}

class GoldenModels : public testing::TestWithParam<std::string> {};

TEST_P(GoldenModels, NamesLogitsAndGradientsAreTimmsAndTorchvisions) {
  const SafetensorsFile file = load_golden("models", GetParam());
  const nlohmann::json args = golden_json(file, "args");
  const ModulePtr model =
      make_model(file.metadata.at("model"), {.in_channels = args.at("in_channels"), .classes = args.at("classes")});
  EXPECT_EQ(fmt::format("{:016x}", fnv1a(state_lines(*model))), file.metadata.at("state")) << state_lines(*model);
  set_weights(*model);
  const Tensor x = values(args.at("input"),
                          {args.at("batch"), args.at("in_channels"), args.at("height"), args.at("width")}, -1.5, 1.5);
  x.impl()->requires_grad = file.contains("grad_input");
  const Tensor y = (*model)(x);
  expect_close(y, file.at("output"), 0, 1e-4);
  if (!file.contains("grad_input")) return;
  y.backward(values("grad_output", y.shape(), -1, 1));
  expect_close(x.grad(), file.at("grad_input"), 1e-4, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Timm, GoldenModels, testing::ValuesIn(golden_names("models")), golden_test_name);

constexpr std::array<int64_t, 4> kNarrow{8, 8, 16, 12};

TEST(ImageNetResNet, TheSummaryShowsItsStages) {
  const auto model = make_model("resnet18d", {.in_channels = 3, .classes = 1000});
  const std::vector<SummaryRow> rows = summarize(*model, {4, 3, 64, 64});
  ASSERT_EQ(rows.size(), 10u);
  EXPECT_EQ(rows[3].output, Shape({4, 64, 16, 16}));
  EXPECT_EQ(rows[7].output, Shape({4, 512, 2, 2}));
  EXPECT_EQ(rows[9].output, Shape({4, 1000}));
}

TEST(ImageNetResNet, HooksSeeEveryLayerAndChangeNothing) {
  manual_seed(1);
  ResNet model(
      {.bottleneck = true, .blocks = {1, 2, 1, 1}, .deep_stem = true, .average_downsample = true, .widths = kNarrow},
      {.in_channels = 3, .zero_init = false});
  const Tensor x = randn({4, 3, 33, 30});
  model.eval();
  const Tensor y = model(x);
  int64_t calls = 0;
  std::vector<HookHandle> handles;
  for (Module* m : model.modules())
    handles.push_back(m->register_forward_hook([&](Module&, const Tensor&, Tensor&) { ++calls; }));
  expect_close(model(x), y, 1e-4, 1e-4);
  EXPECT_EQ(calls, static_cast<int64_t>(handles.size()));
}

TEST(ImageNetResNet, BlocksBeginAsTheirShortcutsUnlessToldOtherwise) {
  const auto zeros_among_norms = [](const ModelOptions& o) {
    ResNet model({.blocks = {1, 1, 1, 1}, .widths = kNarrow}, o);
    int zero = 0;
    for (Module* m : model.modules())
      if (const auto* norm = dynamic_cast<BatchNorm*>(m)) zero += norm->weight.detach().abs().max().item() == 0;
    return zero;
  };
  EXPECT_EQ(zeros_among_norms({}), 4);
  EXPECT_EQ(zeros_among_norms({.zero_init = false}), 0);
}

TEST(ImageNetResNet, ConvolutionsStartKaimingNormalByTheirFanOut) {
  manual_seed(1);
  const ResNet model({.blocks = {1, 1, 1, 1}, .widths = {32, 64, 64, 128}});
  for (const auto& [name, p] : model.named_parameters()) {
    if (p.dim() != 4 || p.numel() < 30000) continue;
    const double expected = std::sqrt(2 / static_cast<double>(p.size(0) * p.size(2) * p.size(3)));
    EXPECT_NEAR(p.detach().std().item(), expected, 0.02 * expected) << name;
  }
}

TEST(ImageNetResNet, LearnsWithAnyActivationAndWithoutNorms) {
  for (const char* act : {"relu", "silu"})
    for (const char* norm : {"batch", "none"}) {
      manual_seed(4);
      ResNet model({.blocks = {1, 1, 1, 1}, .deep_stem = true, .average_downsample = true, .widths = kNarrow},
                   {.act = activation_named(act), .norm = norm_named(norm)});
      const Tensor x = randn({8, 1, 28, 28}), target = randint(0, 10, {8});
      const Tensor before = cross_entropy(model(x), target);
      before.backward();
      {
        const NoGrad no_grad;
        for (Tensor& p : model.parameters()) {
          ASSERT_TRUE(p.grad().defined());
          p.add_(p.grad(), -0.01);
        }
      }
      EXPECT_LT(cross_entropy(model(x), target).item(), before.item()) << act << " " << norm;
    }
}

TEST(ImageNetResNet, RefusesOptionsOfTheLessonsBlocks) {
  EXPECT_THROW(make_model("resnet18", {.squeeze_excite = true}), ConfigError);
  EXPECT_THROW(make_model("resnet18", {.pre_activation = true}), ConfigError);
  EXPECT_THROW(make_model("resnet18", {.norm = nullptr, .zero_init = true}), ConfigError);
}

}  // namespace
}  // namespace gw
