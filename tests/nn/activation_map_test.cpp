#include "nn/activation_map.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "nn/activation.h"
#include "nn/conv2d.h"
#include "nn/models/models.h"
#include "nn/pool.h"
#include "nn/sequential.h"
#include "nn/shape_layers.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

/// Two channels, x and 2 - x; class 0 scores 3 times the mean of the first, class 1 the second's less the first's.
template <class Pool>
Sequential model_by_hand(Pool pool) {
  auto conv = std::make_shared<Conv2d>(1, 2, 1);
  auto classifier = std::make_shared<Linear>(2, 2);
  const NoGrad no_grad;
  conv->weight.copy_(tensor({1, -1}).reshape({2, 1, 1, 1}));
  conv->bias.copy_(tensor({0, 2}));
  classifier->weight.copy_(tensor({3, 0, -1, 1}).reshape({2, 2}));
  classifier->bias.zero_();
  Sequential model;
  model.push_back(conv);
  model.push_back(std::move(pool));
  model.push_back(classifier);
  return model;
}

const std::vector<float> kPixels = {0, 1, 2, 1, 0, 1};

TEST(ClassActivationMap, ByHand) {
  Sequential model = model_by_hand(GlobalAvgPool());
  const CamEnd end = find_cam_end(model);
  ASSERT_TRUE(end);
  EXPECT_EQ(end.name, "1");
  const Tensor x = from_values<float>(kPixels, {1, 1, 2, 3});
  const ActivationMap first = class_activation_map(model, end, x, {0});
  EXPECT_EQ(first.map.shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(first.map.to_vector<float>(), (std::vector<float>{0, 3, 6, 3, 0, 3}));
  expect_close(first.logits, tensor({2.5, 1.0 / 3}).reshape({1, 2}), 1e-6, 1e-6);
  // (2 - x) - x
  EXPECT_EQ(class_activation_map(model, end, x, {1}).map.to_vector<float>(), (std::vector<float>{2, 0, -2, 0, 2, 0}));
  EXPECT_EQ(class_activation_map(model, end, x).map.to_vector<float>(), first.map.to_vector<float>());
  EXPECT_FALSE(model.is_training());
}

TEST(GradCam, IsTheMapLessWhatIsNegativeWhereBothCanBe) {
  Sequential average = model_by_hand(GlobalAvgPool());
  const Tensor x = from_values<float>(kPixels, {1, 1, 2, 3});
  EXPECT_EQ(last_map_layer(average, x), "0");
  const ActivationMap map = grad_cam(average, "0", x, {1});
  expect_close(map.map, tensor({2, 0, 0, 0, 2, 0}).reshape({1, 2, 3}) / 6, 1e-6, 1e-6);
  for (const Tensor& p : average.parameters()) EXPECT_FALSE(p.grad().defined());
  // The largest element's gradient, too, has the mean of weight / places.
  Sequential largest = model_by_hand(GlobalMaxPool());
  EXPECT_FALSE(find_cam_end(largest));
  expect_close(grad_cam(largest, "0", x, {1}).map, map.map, 1e-6, 1e-6);
}

TEST(GradCam, EachImageOfABatchHasItsOwn) {
  manual_seed(1);
  const auto model = make_model("cifar-resnet2", {.in_channels = 3, .width = 0.25});
  const Tensor x = randn({3, 3, 32, 32});
  const std::string layer = last_map_layer(*model, x);
  const ActivationMap all = grad_cam(*model, layer, x);
  EXPECT_EQ(all.map.shape(), (Shape{3, 2, 2}));
  for (int64_t i = 0; i < 3; ++i)
    expect_close(grad_cam(*model, layer, x.slice(0, i, i + 1)).map, all.map.slice(0, i, i + 1), 1e-4, 1e-5);
}

TEST(ActivationMaps, WhichModelsEndInAPoolAndALayer) {
  for (const char* name : {"resnet18", "resnet-gap", "resnet-slim", "resnet-fast"})
    EXPECT_TRUE(find_cam_end(*make_model(name))) << name;
  for (const char* name : {"convnet", "resnet", "resnet-drop", "cifar-resnet", "cifar-simple"})
    EXPECT_FALSE(find_cam_end(*make_model(name))) << name;
  const auto model = make_model("resnet18", {.in_channels = 3, .width = 0.125});
  const Tensor x = randn({2, 3, 64, 48});
  const CamEnd end = find_cam_end(*model);
  EXPECT_EQ(end.name, "global_pool");
  EXPECT_EQ(class_activation_map(*model, end, x).map.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(last_map_layer(*model, x), "layer4");
  EXPECT_EQ(grad_cam(*model, "layer3", x).map.shape(), (Shape{2, 4, 3}));
}

TEST(ActivationMaps, WhatCannotBe) {
  Sequential model = model_by_hand(GlobalAvgPool());
  const CamEnd end = find_cam_end(model);
  const Tensor x = zeros({2, 1, 2, 3});
  EXPECT_NE(message_of<ShapeError>([&] { class_activation_map(model, end, x, {0}); }).find("each of 2 images, got 1"),
            std::string::npos);
  EXPECT_NE(message_of<ShapeError>([&] {
              grad_cam(model, "0", x, {0, 2});
            }).find("class 2 is out of range for 2"),
            std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] { grad_cam(model, "layer9", x); }).find("there are 0, 1, 2"),
            std::string::npos);
  EXPECT_NE(message_of<ConfigError>([&] { grad_cam(model, "1", x); }).find("1 returns [2, 2]"), std::string::npos);
  Sequential flat(Flatten(), Linear(6, 2));
  EXPECT_THROW(last_map_layer(flat, x), ConfigError);
}

}  // namespace
}  // namespace gw
