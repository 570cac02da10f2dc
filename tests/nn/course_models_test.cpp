// XResNets and the CNNs of lessons 10 and 11. What they compute is compared in imagenet_resnet_test.cpp, with the files
// of tests/golden/models.
#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "nn/batchnorm.h"
#include "nn/losses.h"
#include "nn/models/lesson_cnns.h"
#include "nn/models/models.h"
#include "nn/models/xresnet.h"
#include "nn/summary.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

struct Count {
  const char* model;
  int64_t colour, grey;  ///< parameters for images of three channels and of one, ten classes
};

/// As tests/golden/model_files.py counts them in PyTorch.
constexpr Count kCounts[] = {{"small-cnn", 16082, 15682},
                             {"imagenette-cnn", 469658, 433474},
                             {"xresnet18", 11200874, 11200298},
                             {"xresnet34", 21309034, 21308458},
                             {"xresnet50", 23547754, 23547178}};

TEST(CourseModels, ParameterCountsArePyTorchs) {
  for (const Count& c : kCounts) {
    EXPECT_EQ(make_model(c.model, {.in_channels = 3})->num_parameters(), c.colour) << c.model;
    EXPECT_EQ(make_model(c.model)->num_parameters(), c.grey) << c.model;
  }
}

TEST(CourseModels, TakeAnyChannelsClassesAndSizes) {
  const NoGrad no_grad;
  for (const char* name : {"small-cnn", "imagenette-cnn", "xresnet18"})
    for (const Shape& shape : {Shape{1, 2, 17, 40}, Shape{2, 4, 32, 32}}) {
      const ModulePtr model = make_model(name, {.in_channels = shape[1], .classes = 37, .width = 0.25});
      model->eval();
      EXPECT_EQ((*model)(randn(shape)).shape(), Shape({shape[0], 37})) << name;
    }
}

TEST(CourseModels, HooksSeeEveryLayerAndChangeNothing) {
  manual_seed(1);
  const ModulePtr model = make_model("xresnet50", {.in_channels = 3, .width = 0.125, .zero_init = false});
  const NoGrad no_grad;
  model->eval();
  const Tensor x = randn({2, 3, 33, 30}), y = (*model)(x);
  size_t calls = 0;
  std::vector<HookHandle> handles;
  for (Module* m : model->modules())
    handles.push_back(m->register_forward_hook([&](Module&, const Tensor&, Tensor&) { ++calls; }));
  expect_close((*model)(x), y, 1e-4, 1e-4);
  EXPECT_EQ(calls, handles.size());
}

TEST(CourseModels, BlocksBeginAsTheirShortcutsUnlessToldOtherwise) {
  const auto zeros_among_norms = [](const ModelOptions& o) {
    const ModulePtr model = make_model("xresnet18", o);
    int zero = 0;
    for (Module* m : model->modules())
      if (const auto* norm = dynamic_cast<BatchNorm*>(m)) zero += norm->weight.detach().abs().max().item() == 0;
    return zero;
  };
  EXPECT_EQ(zeros_among_norms({.width = 0.25}), 8);
  EXPECT_EQ(zeros_among_norms({.width = 0.25, .zero_init = false}), 0);
}

TEST(CourseModels, TrainWithAnyNormAndWithNone) {
  const Tensor x = randn({4, 1, 70, 70}), y = from_values<int64_t>({0, 1, 2, 1}, {4}, {.dtype = DType::i64});
  for (const char* name : {"small-cnn", "imagenette-cnn", "xresnet18"})
    for (const std::string& norm : norm_names()) {
      manual_seed(3);
      const ModulePtr model = make_model(name, {.classes = 3, .width = 0.25, .norm = norm_named(norm)});
      const auto loss = [&] { return cross_entropy((*model)(x), y); };
      const Tensor before = loss();
      before.backward();
      double squares = 0;
      for (const Tensor& p : model->parameters()) {
        ASSERT_TRUE(p.grad().defined()) << name << " " << norm;
        squares += (p.grad() * p.grad()).sum().item();
      }
      EXPECT_TRUE(std::isfinite(squares) && squares > 0) << name << " " << norm;
    }
}

TEST(CourseModels, SayWhatTheyDoNotHave) {
  EXPECT_THROW(make_model("imagenette-cnn", {.zero_init = true}), ConfigError);
  EXPECT_THROW(make_model("small-cnn", {.squeeze_excite = true}), ConfigError);
  EXPECT_THROW(make_model("xresnet18", {.pre_activation = true}), ConfigError);
  EXPECT_THROW(make_model("xresnet18", {.norm = nullptr, .zero_init = true}), ConfigError);
}

TEST(CourseModels, ThePowerOfTwoBelow) {
  EXPECT_EQ(prev_pow_2(1), 1);
  EXPECT_EQ(prev_pow_2(27), 16);
  EXPECT_EQ(prev_pow_2(64), 64);
  EXPECT_EQ(prev_pow_2((int64_t{1} << 62) + 5), int64_t{1} << 62);
  EXPECT_EQ(message_of<ConfigError>([] { prev_pow_2(0); }), "prev_pow_2: expected a number of at least 1, got 0");
}

TEST(CourseModels, TheSummaryShowsTheirLayers) {
  const std::vector<SummaryRow> rows = summarize(*make_model("imagenette-cnn", {.in_channels = 3}), {2, 3, 128, 128});
  ASSERT_EQ(rows.size(), 9u);
  EXPECT_EQ(rows[0].output, Shape({2, 16, 128, 128}));
  EXPECT_EQ(rows[2].output, Shape({2, 64, 32, 32}));
  EXPECT_EQ(rows[6].output, Shape({2, 256, 2, 2}));
  EXPECT_EQ(rows[8].output, Shape({2, 10}));
}

}  // namespace
}  // namespace gw
