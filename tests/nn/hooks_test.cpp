#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/models/models.h"
#include "nn/module_filter.h"
#include "nn/sequential.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(BackwardHooks, SeeTheGradientsOfOutputAndInput) {
  manual_seed(1);
  const auto linear = std::make_shared<Linear>(3, 2);
  Tensor x = randn({4, 3}, {.requires_grad = true});
  Tensor seen_output, seen_input;
  const HookHandle hook = linear->register_backward_hook([&](Module& m, const Tensor& dy, Tensor& dx) {
    EXPECT_EQ(&m, linear.get());
    seen_output = dy;
    seen_input = dx;
  });
  const Tensor dy = randn({4, 2});
  (*linear)(x).backward(dy);
  EXPECT_EQ(seen_output.to_vector<float>(), dy.to_vector<float>());
  EXPECT_EQ(seen_input.to_vector<float>(), x.grad().to_vector<float>());
  EXPECT_EQ(seen_input.to_vector<float>(), dy.matmul(linear->weight.detach()).to_vector<float>());
}

TEST(BackwardHooks, MayReplaceTheGradientOfTheInput) {
  ReLU relu;
  Tensor x = ones({2}, {.requires_grad = true});
  const HookHandle hook = relu.register_backward_hook([](Module&, const Tensor&, Tensor& dx) { dx = dx * 3; });
  relu(x).backward(ones({2}));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{3, 3}));
}

TEST(BackwardHooks, OfAFirstLayerGetNoGradientOfTheInput) {
  manual_seed(1);
  Linear linear(3, 2);
  int calls = 0;
  const HookHandle hook = linear.register_backward_hook([&](Module&, const Tensor& dy, Tensor& dx) {
    ++calls;
    EXPECT_TRUE(dy.defined());
    EXPECT_FALSE(dx.defined());
  });
  linear(randn({4, 3})).sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(linear.weight.grad().defined());
  const NoGrad no_grad;
  EXPECT_FALSE(linear(randn({4, 3})).requires_grad());
  EXPECT_EQ(calls, 1);
}

TEST(BackwardHooks, RemovedOnesAreNotCalled) {
  ReLU relu;
  Tensor x = ones({2}, {.requires_grad = true});
  int calls = 0;
  HookHandle hook = relu.register_backward_hook([&](Module&, const Tensor&, Tensor&) { ++calls; });
  const Tensor y = relu(x);
  hook.reset();
  y.backward(ones({2}));  // the forward pass was watched, but the hook is gone
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(relu.has_hooks());
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(BackwardHooks, GradientsOfAModelAreTheSameWithThem) {
  manual_seed(2);
  const auto model = make_model("resnet");
  const Tensor x = randn({2, 1, 28, 28});
  (*model)(x).sum().backward();
  std::vector<std::vector<float>> plain;
  for (Tensor& p : model->parameters()) plain.push_back(p.grad().to_vector<float>());
  model->zero_grad();
  size_t calls = 0;
  const auto modules = select_modules(*model, direct_children());
  const Hooks hooks = Hooks::backward(modules, [&](size_t, Module&, const Tensor&, Tensor&) { ++calls; });
  (*model)(x).sum().backward();
  EXPECT_EQ(calls, modules.size());
  size_t i = 0;
  for (Tensor& p : model->parameters()) EXPECT_EQ(p.grad().to_vector<float>(), plain[i++]);
}

TEST(Hooks, AreRemovedTogether) {
  manual_seed(3);
  const auto model = make_model("resnet");
  const auto blocks = select_modules(*model, of_type({"ResBlock"}));
  ASSERT_EQ(blocks.size(), 6u);
  EXPECT_EQ(blocks[2].name, "2");
  std::vector<Shape> shapes(blocks.size());
  {
    const Hooks hooks(blocks, [&](size_t i, Module&, const Tensor&, Tensor& y) { shapes[i] = y.shape(); });
    EXPECT_EQ(hooks.size(), 6u);
    EXPECT_TRUE(blocks[0].module->has_hooks());
    (*model)(randn({2, 1, 28, 28}));
  }
  EXPECT_FALSE(blocks[0].module->has_hooks());
  EXPECT_EQ(shapes[0], (Shape{2, 8, 28, 28}));
  EXPECT_EQ(shapes[5], (Shape{2, 256, 1, 1}));
  EXPECT_THROW(select_modules(*model, of_type({"Transformer"})), ConfigError);
}

}  // namespace
}  // namespace gw
