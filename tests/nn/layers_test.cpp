// The layers one by one: what their constructors promise and how the mode changes them. Their values are compared with
// PyTorch's in golden_layers_test.cpp.
#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "nn/activation.h"
#include "nn/batchnorm.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/pool.h"
#include "nn/sequential.h"
#include "nn/shape_layers.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(Layers, Conv2dKeepsItsWeightInChannelsLastMemory) {
  Conv2d layer(3, 8, {5, 3}, {.stride = 2, .padding = {2, 1}});
  EXPECT_EQ(layer.weight.shape(), Shape({8, 3, 5, 3}));
  EXPECT_TRUE(layer.weight.is_contiguous(MemoryFormat::channels_last));
  EXPECT_EQ(layer(zeros({2, 3, 28, 28})).shape(), Shape({2, 8, 14, 14}));
  EXPECT_EQ(layer.to_string(), "Conv2d(3, 8, kernel_size=(5, 3), stride=(2, 2), padding=(2, 1))");
  layer(zeros({1, 3, 8, 8})).sum().backward();
  EXPECT_EQ(layer.weight.grad().strides(), layer.weight.strides());
}

TEST(Layers, Conv2dGroups) {
  Conv2d layer(4, 6, 3, {.groups = 2}, /*bias=*/false);
  EXPECT_EQ(layer.weight.shape(), Shape({6, 2, 3, 3}));
  // GCC 12.2 once made a padding of (1, 0) of these options: see CMakeLists.txt.
  EXPECT_EQ(layer.to_string(), "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), groups=2, bias=False)");
  EXPECT_EQ(message_of<ConfigError>([] { Conv2d(4, 6, 3, {.groups = 4}); }),
            "Conv2d: expected groups to divide 4 input and 6 output channels, got 4");
}

TEST(Layers, Bf16InputsKeepParametersInF32) {
  Sequential model(Conv2d(1, 4, 3, {.padding = 1}), BatchNorm2d(4), ReLU(), Flatten(), Linear(4 * 36, 3));
  const Tensor y = model(randn({2, 1, 6, 6}).to(DType::bf16));
  EXPECT_EQ(y.dtype(), DType::bf16);
  y.sum().backward();
  for (const Tensor& p : model.parameters()) {
    EXPECT_EQ(p.dtype(), DType::f32);
    EXPECT_EQ(p.grad().dtype(), DType::f32);
  }
}

TEST(Layers, BatchNormCountsItsBatchesInTrainingOnly) {
  BatchNorm2d layer(2);
  const Tensor x = randn({3, 2, 2, 2});
  layer(x);
  layer(x);
  EXPECT_EQ(layer.num_batches_tracked.item(), 2);
  layer.eval();
  const Tensor mean = layer.running_mean.clone();
  layer(x);
  EXPECT_EQ(layer.num_batches_tracked.item(), 2);
  expect_close(layer.running_mean, mean, 0, 0);
}

TEST(Layers, BatchNormWithoutMomentumAveragesAllBatches) {
  BatchNorm1d layer(1, {.momentum = std::nullopt});
  for (float value : {1.f, 2.f, 6.f}) layer(tensor({value, value + 2}).reshape({2, 1}));
  expect_close(layer.running_mean, {4});  // the mean of 2, 3 and 7
  expect_close(layer.running_var, {2});
}

TEST(Layers, BatchNormWithoutStatisticsOrWeights) {
  BatchNorm1d layer(1, {.affine = false, .track_running_stats = false});
  EXPECT_TRUE(layer.parameters().empty());
  EXPECT_TRUE(layer.buffers().empty());
  layer.eval();
  expect_close(layer(tensor({1, 3}).reshape({2, 1})), {-1, 1}, 1e-4);
}

TEST(Layers, BatchNormWantsItsOwnDimensions) {
  EXPECT_EQ(message_of<ShapeError>([] {
              BatchNorm2d(2).forward(zeros({2, 2}));
            }),
            "BatchNorm2d: expected an input of 4 dimensions, got [2, 2]");
  EXPECT_EQ(message_of<ShapeError>([] {
              BatchNorm1d(2).forward(zeros({2, 2, 2, 2}));
            }),
            "BatchNorm1d: expected an input of 2 or 3 dimensions, got [2, 2, 2, 2]");
}

TEST(Layers, GeneralReluAndItsRelatives) {
  const Tensor x = tensor({-2, -0.5, 0, 0.5, 3});
  GeneralRelu act({.leak = 0.1f, .sub = 0.4f, .maxv = 2.0f});
  expect_close(act(x), {-0.6, -0.45, -0.4, 0.1, 2});
  EXPECT_EQ(act.to_string(), "GeneralRelu(leak=0.1, sub=0.4, maxv=2)");
  ReLU relu;
  expect_close(relu(x), {0, 0, 0, 0.5, 3});
  EXPECT_EQ(relu.to_string(), "ReLU()");
  Sigmoid sigmoid;
  expect_close(sigmoid(tensor({0})), {0.5});
  Tanh tanh;
  expect_close(tanh(tensor({0.5})), {0.46211716});
}

TEST(Layers, Pools) {
  const Tensor x = arange(0, 9).reshape({1, 1, 3, 3});
  AvgPool2d average({.kernel = 2, .ceil_mode = true});
  expect_close(average(x), {2, 3.5, 6.5, 8});
  EXPECT_EQ(average.to_string(), "AvgPool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0), ceil_mode=True)");
  MaxPool2d largest({.kernel = 2, .stride = 1});
  expect_close(largest(x), {4, 5, 7, 8});
  AdaptiveAvgPool2d adaptive(2);
  EXPECT_EQ(adaptive(x).shape(), Shape({1, 1, 2, 2}));
  GlobalAvgPool global;
  expect_close(global(x), {4});
  EXPECT_EQ(global(x).shape(), Shape({1, 1}));
}

TEST(Layers, DropoutActsInTrainingOnly) {
  manual_seed(1);
  Dropout layer(0.25);
  const Tensor x = ones({100, 100});
  const Tensor y = layer(x);
  EXPECT_NEAR(y.mean().item(), 1, 0.05);
  EXPECT_NEAR((y == 0.0).to(DType::f32).mean().item(), 0.25, 0.03);
  layer.eval();
  expect_close(layer(x), x, 0, 0);
  EXPECT_EQ(layer.to_string(), "Dropout(p=0.25)");
  EXPECT_THROW(Dropout(1.5), ConfigError);
  EXPECT_THROW(Dropout(-0.1), ConfigError);
}

TEST(Layers, Dropout2dZeroesWholeChannels) {
  manual_seed(2);
  Dropout2d layer(0.5);
  const Tensor sums = layer(ones({8, 16, 3, 3})).sum({2, 3});
  for (float sum : sums.to_vector<float>()) EXPECT_TRUE(sum == 0 || sum == 18) << sum;
  EXPECT_EQ(layer.to_string(), "Dropout2d(p=0.5)");
}

TEST(Layers, EmbeddingLeavesItsPaddingAlone) {
  Embedding layer(5, 3, 1);
  const Tensor y = layer(from_values<int64_t>({1, 4, 4, 1}, {2, 2}, {.dtype = DType::i64}));
  EXPECT_EQ(y.shape(), Shape({2, 2, 3}));
  expect_close(y.select(0, 0).select(0, 0), {0, 0, 0});
  y.sum().backward();
  expect_close(layer.weight.grad().select(0, 1), {0, 0, 0});
  expect_close(layer.weight.grad().select(0, 4), {2, 2, 2});
  EXPECT_EQ(layer.to_string(), "Embedding(5, 3, padding_idx=1)");
}

TEST(Layers, ShapesAndFunctions) {
  EXPECT_EQ(Flatten().forward(zeros({2, 3, 4, 5})).shape(), Shape({2, 60}));
  EXPECT_EQ(Flatten(0, 1).forward(zeros({2, 3, 4})).shape(), Shape({6, 4}));
  Lambda twice([](const Tensor& x) { return x * 2; });
  expect_close(twice(tensor({1, 2})), {2, 4});
  Identity same;
  const Tensor x = ones({2});
  EXPECT_EQ(same(x).impl(), x.impl());
}

TEST(Layers, LossesKeepTheirOptions) {
  const Tensor logits = tensor({0, 0}).reshape({1, 2}), target = ones({1}, {.dtype = DType::i64});
  EXPECT_NEAR(CrossEntropyLoss{}(logits, target).item(), 0.6931472, 1e-6);
  const CrossEntropyLoss smooth{{.label_smoothing = 0.5}};
  EXPECT_NEAR(smooth(tensor({0, 2}).reshape({1, 2}), target).item(), 0.126928 + 0.25 * 2, 1e-5);
  EXPECT_NEAR(MSELoss{Reduction::sum}(tensor({1, 2}), tensor({3, 5})).item(), 13, 1e-5);
  const LossFunction loss = BCEWithLogitsLoss{};
  EXPECT_NEAR(loss(tensor({0}), tensor({1})).item(), 0.6931472, 1e-6);
  EXPECT_NEAR(NLLLoss{}(logits.log_softmax(1), target).item(), 0.6931472, 1e-6);
}

}  // namespace
}  // namespace gw
