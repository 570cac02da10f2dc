// Fused and unfused runs of Sequential and ResBlock give the same values, gradients and statistics; hooks always see
// the layers that they watch.
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "nn/linear.h"
#include "nn/models/resblock.h"
#include "nn/shape_layers.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

/// What a training step leaves behind.
struct Outcome {
  Tensor y, dx;
  std::vector<Tensor> grads, buffers;
};

Outcome step(Module& model, const Tensor& data, const Tensor& dy) {
  const Tensor x = data.detach().clone().set_requires_grad();
  model.zero_grad();
  Outcome out;
  out.y = model(x);
  out.y.backward(dy);
  out.dx = x.grad();
  for (const Tensor& p : model.parameters()) out.grads.push_back(p.grad());
  for (const Tensor& b : model.buffers()) out.buffers.push_back(b.clone());
  return out;
}

/// Steps once with the fused operations, and once with a hook on every module, which keeps each apart.
void expect_same_values(Module& model, const Tensor& x, double tolerance = 1e-5) {
  NamedTensors before;
  for (const auto& [name, t] : model.state_dict()) before.emplace_back(name, t.clone());
  Tensor dy;
  {
    const NoGrad no_grad;
    dy = randn(model(x).shape()).to(x.dtype());
  }
  model.load_state_dict(before);
  const Outcome fused = step(model, x, dy);

  model.load_state_dict(before);
  std::vector<HookHandle> handles;
  int64_t calls = 0;
  for (Module* m : model.modules())
    handles.push_back(m->register_forward_hook([&](Module&, const Tensor&, Tensor&) { ++calls; }));
  const Outcome plain = step(model, x, dy);
  EXPECT_EQ(calls, static_cast<int64_t>(handles.size()));

  expect_close(fused.y, plain.y, tolerance, tolerance);
  expect_close(fused.dx, plain.dx, tolerance, tolerance);
  for (size_t i = 0; i < fused.grads.size(); ++i)
    expect_close(fused.grads[i], plain.grads[i], 10 * tolerance, 10 * tolerance);
  for (size_t i = 0; i < fused.buffers.size(); ++i)
    expect_close(fused.buffers[i], plain.buffers[i], tolerance / 10, tolerance / 10);
}

std::string last_op(Module& model, const Tensor& x) { return model(x).node()->name; }

HookHandle watch(Module& module) {
  return module.register_forward_hook([](Module&, const Tensor&, Tensor&) {});
}

TEST(Fusion, SequentialRunsNormAndActivationAsOne) {
  manual_seed(1);
  const Tensor x = randn({3, 2, 6, 5});
  for (const ModulePtr& act :
       {ModulePtr(std::make_shared<GeneralRelu>(GeneralReluOptions{.leak = 0.1f, .sub = 0.4f, .maxv = 1.0f})),
        ModulePtr(std::make_shared<ReLU>())}) {
    Sequential model(Conv2d(2, 4, 3), BatchNorm2d(4), act);
    EXPECT_EQ(last_op(model, x), "batch_norm");
    const HookHandle handle = watch(*act);
    EXPECT_EQ(last_op(model, x), "general_relu");
  }
  Sequential plain(Conv2d(2, 4, 3), BatchNorm2d(4), Sigmoid());
  EXPECT_EQ(last_op(plain, x), "sigmoid");
}

TEST(Fusion, AHookOnTheNormKeepsItApart) {
  Sequential model(BatchNorm1d(3), ReLU());
  const Tensor x = randn({4, 3}, {.requires_grad = true});
  Tensor seen;
  const HookHandle handle =
      model[0].register_forward_hook([&](Module&, const Tensor&, Tensor& output) { seen = output.detach(); });
  const Tensor y = model(x);
  EXPECT_LT(seen.min().item(), 0);
  expect_close(y, seen.relu());
}

/// A layer of a user's own, made of one of ours.
template <class Layer>
struct Doubled : Layer {
  using Layer::Layer;
  Tensor forward(const Tensor& x) override { return Layer::forward(x) * 2; }
};

TEST(Fusion, LayersDerivedFromOursComputeWhatTheySay) {
  const Tensor x = ones({2, 1, 2, 2});
  for (const bool fused : {false, true}) {
    Doubled<Conv2d> conv(1, 1, 1, ConvOptions{}, false);
    conv.weight.detach().fill_(3);
    Sequential net(std::move(conv), Doubled<BatchNorm2d>(1), Doubled<ReLU>());
    dynamic_cast<BatchNorm&>(net[1]).bias.detach().fill_(5);
    std::vector<HookHandle> handles;
    for (Module* m : net.modules())
      if (!fused) handles.push_back(watch(*m));
    EXPECT_EQ(net(x).to_vector<float>(), std::vector<float>(8, 20)) << "fused: " << fused;
    EXPECT_NEAR(net.buffers()[0].item(), 0.6, 1e-6);
  }
}

TEST(Fusion, SequentialGivesTheSameValues) {
  manual_seed(2);
  Sequential net(Conv2d(2, 5, 3, {.padding = 1}), BatchNorm2d(5), GeneralRelu({.leak = 0.1f, .sub = 0.4f}),
                 Conv2d(5, 3, 3), BatchNorm2d(3), ReLU(), Flatten(), Linear(60, 6), BatchNorm1d(6),
                 GeneralRelu({.leak = 0.2f, .maxv = 1.0f}));
  const Tensor x = randn({7, 2, 7, 6});
  expect_same_values(net, x);
  net.eval();
  expect_same_values(net, x);
}

// Convolutions of wide grids find the moments that their norms then take.
TEST(Fusion, SequentialGivesTheSameValuesInBf16) {
  manual_seed(9);
  Sequential net(Conv2d(3, 16, 3, {.padding = 1}), BatchNorm2d(16), ReLU(), Conv2d(16, 20, 3), BatchNorm2d(20));
  const Tensor x = randn({12, 3, 18, 17}).to(DType::bf16);
  expect_same_values(net, x, 2e-2);
  net.eval();
  expect_same_values(net, x, 2e-2);
}

TEST(Fusion, ResBlockEndsInOneOperation) {
  manual_seed(3);
  const Tensor x = randn({2, 3, 6, 6});
  ResBlock block(3, 4);
  EXPECT_EQ(last_op(block, x), "batch_norm");
  for (Module* watched : block.modules()) {
    const std::string type = watched->type_name();
    if (type != "BatchNorm2d" && type != "GeneralRelu") continue;
    const HookHandle handle = watch(*watched);
    // The block's own act and last norm keep its end apart; those of the first convolution do not matter to it.
    const std::string op = last_op(block, x);
    EXPECT_TRUE(op == "batch_norm" || op == "add_general_relu" || op == "general_relu") << op;
  }
  EXPECT_EQ(last_op(block, x), "batch_norm");
  ResBlock without_norm(3, 4, {.norm = nullptr});
  EXPECT_EQ(last_op(without_norm, x), "add_general_relu");
  ResBlock clamped(3, 4, {.act = make_general_relu({.maxv = 1.0f})});
  EXPECT_EQ(last_op(clamped, x), "general_relu");
  ResBlock without_act(3, 4, {.act = nullptr});
  EXPECT_EQ(last_op(without_act, x), "batch_norm");
  ResBlock sigmoid(3, 4, {.act = [] { return std::make_shared<Sigmoid>(); }});
  EXPECT_EQ(last_op(sigmoid, x), "sigmoid");
}

TEST(Fusion, VariantsOfResBlockGiveTheSameValues) {
  manual_seed(8);
  for (const BlockOptions& o : {BlockOptions{.squeeze_excite = true}, BlockOptions{.pre_activation = true},
                                BlockOptions{.stride = 2, .act = activation_named("silu")},
                                BlockOptions{.act = nullptr}, BlockOptions{.norm = nullptr}}) {
    ResBlock block(3, 4, o);
    expect_same_values(block, randn({5, 3, 6, 6}));
  }
}

TEST(Fusion, ResBlockGivesTheSameValues) {
  manual_seed(4);
  for (int64_t stride : {1, 2})
    for (int64_t nf : {3, 5}) {
      const Tensor x = randn({4, 3, 7, 6});
      ResBlock block(3, nf, {.stride = stride});
      expect_same_values(block, x);
      block.eval();
      expect_same_values(block, x);
      ResBlock without_norm(3, nf, {.stride = stride, .norm = nullptr});
      expect_same_values(without_norm, x);
    }
}

double relative_error(const Tensor& actual, const Tensor& expected) {
  const Tensor a = actual.detach().to(DType::f32), e = expected.detach();
  return std::sqrt((a - e).pow(2).sum().item() / e.pow(2).sum().item());
}

TEST(Fusion, InBf16ItRoundsLess) {
  manual_seed(5);
  ResBlock block(4, 8, {.stride = 2});
  const Tensor x = randn({8, 4, 8, 8}).to(DType::bf16), dy = randn({8, 8, 4, 4}).to(DType::bf16);
  const Outcome exact = step(block, x.to(DType::f32), dy.to(DType::f32));
  const Outcome fused = step(block, x, dy);
  const HookHandle handle = watch(*block.named_children().back().second);
  const Outcome plain = step(block, x, dy);
  EXPECT_LT(relative_error(fused.y, exact.y), relative_error(plain.y, exact.y));
  EXPECT_LT(relative_error(fused.y, exact.y), 0.006);
  // Where an activation's input is rounded to the other side of zero, whole patches of the gradient change.
  EXPECT_LT(relative_error(fused.dx, exact.dx), 0.2);
}

TEST(Fusion, HooksInsideABlockSeeTheirLayers) {
  manual_seed(6);
  ResBlock block(3, 3);
  const Tensor x = randn({2, 3, 4, 4});
  std::vector<HookHandle> handles;
  std::vector<std::string> seen;
  for (const auto& [name, module] : block.named_modules())
    handles.push_back(
        module->register_forward_hook([&seen, n = name](Module&, const Tensor&, Tensor&) { seen.push_back(n); }));
  block(x);
  EXPECT_EQ(seen, (std::vector<std::string>{"convs.0.0", "convs.0.1", "convs.0.2", "convs.0", "convs.1.0", "convs.1.1",
                                            "convs.1", "convs", "act", ""}));
}

}  // namespace
}  // namespace gw
