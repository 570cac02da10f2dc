#include "nn/models/cifar_models.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "autograd/batchnorm.h"
#include "autograd/gradcheck.h"
#include "nn/losses.h"
#include "nn/models/models.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

const char* const kNames[] = {"cifar-simple", "cifar-conv",   "cifar-bn-by-hand",
                              "cifar-bn",     "cifar-resnet", "cifar-resnet2"};

TEST(BnLayer, NormalisesEachChannelOfTheBatch) {
  manual_seed(1);
  BnLayer layer(3, 6);
  {
    const NoGrad no_grad;
    layer.m.fill_(2);
    layer.a.fill_(-1);
  }
  const Tensor x = randn({5, 3, 9, 7});
  const Tensor y = layer(x).detach();
  EXPECT_EQ(y.shape(), (Shape{5, 6, 5, 4}));
  expect_close(y.mean({0, 2, 3}), full({6}, -1), 1e-5, 1e-5);
  expect_close(y.std({0, 2, 3}), full({6}, 2), 1e-3, 1e-3);
  expect_close(layer.means, (*layer.conv)(x).relu().detach().mean({0, 2, 3}, true), 1e-6, 1e-6);
}

TEST(BnLayer, IsOurBatchNormButForTheVariancesDivisor) {
  manual_seed(2);
  BnLayer layer(2, 4, 1);
  const Tensor x = randn({3, 2, 5, 5}), dy = randn({3, 4, 5, 5});
  layer(x).backward(dy);
  const Tensor by_hand = layer.conv->weight.grad();
  layer.conv->zero_grad();
  const double n = 3 * 5 * 5;
  const Tensor weight = full({4}, std::sqrt((n - 1) / n)), bias = zeros({4});
  const Tensor relu = (*layer.conv)(x).relu();
  const Tensor y = batch_norm(relu, {}, {}, weight, bias, {.training = true, .eps = 1e-5 * (n - 1) / n});
  y.backward(dy);
  expect_close(by_hand, layer.conv->weight.grad(), 1e-4, 1e-4);
  expect_close(layer(x).detach(), y.detach(), 1e-5, 1e-5);
}

TEST(BnLayer, EvaluatesByTheLastBatchOfTraining) {
  manual_seed(3);
  BnLayer layer(3, 4);
  const Tensor x = randn({4, 3, 8, 8});
  const Tensor trained = layer(x).detach();
  layer.eval();
  expect_close(layer(x).detach(), trained, 1e-6, 1e-6);
  const Tensor means = layer.means.clone();
  layer(randn({1, 3, 8, 8}));
  expect_close(layer.means, means, 0, 0);
}

TEST(BnLayer, AChannelThatIsZeroEverywhereStaysFinite) {
  BnLayer layer(1, 2);
  {
    const NoGrad no_grad;
    layer.conv->weight.fill_(-1);
  }
  const Tensor y = layer(ones({2, 1, 4, 4}));
  expect_close(y.detach(), zeros({2, 2, 2, 2}), 0, 0);
  y.sum().backward();
  EXPECT_EQ(layer.conv->weight.grad().abs().max().item(), 0);
}

TEST(CifarModels, ParameterCounts) {
  const int64_t expected[] = {123330, 37490, 155970, 155970, 769170, 1966234};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    const ModelOptions o{.in_channels = 3, .image_height = 32, .image_width = 32};
    EXPECT_EQ(make_model(kNames[i], o)->num_parameters(), expected[i]) << kNames[i];
  }
}

TEST(CifarModels, MakeClassesOfAnyImageAndLearn) {
  for (const char* name : kNames) {
    manual_seed(4);
    const auto model = make_model(name, {.in_channels = 2, .classes = 7, .image_height = 17, .image_width = 20});
    const Tensor x = randn({8, 2, 17, 20}), target = randint(0, 7, {8});
    const Tensor before = cross_entropy((*model)(x), target);
    before.backward();
    {
      const NoGrad no_grad;
      for (Tensor& p : model->parameters()) {
        ASSERT_TRUE(p.grad().defined()) << name;
        p.add_(p.grad(), -0.01);
      }
    }
    EXPECT_LT(cross_entropy((*model)(x), target).item(), before.item()) << name;
    model->eval();
    const Tensor y = (*model)(x.slice(0, 0, 1).to(DType::bf16));
    EXPECT_EQ(y.shape(), (Shape{1, 7})) << name;
    EXPECT_TRUE(std::isfinite(y.to(DType::f32).sum().item())) << name;
  }
}

TEST(CifarModels, ResnetLayerAddsItsInput) {
  manual_seed(5);
  const auto layer = std::make_shared<Conv2d>(2, 2, 3, ConvOptions{.padding = 1});
  ResnetLayer residual(layer);
  const Tensor x = randn({2, 2, 4, 4});
  expect_close(residual(x).detach(), ((*layer)(x) + x).detach(), 0, 0);
}

TEST(CifarModels, RefuseOptionsOfResidualBlocks) {
  for (const char* name : kNames) {
    EXPECT_THROW(make_model(name, {.zero_init = true}), ConfigError) << name;
    EXPECT_THROW(make_model(name, {.squeeze_excite = true}), ConfigError) << name;
  }
}

}  // namespace
}  // namespace gw
