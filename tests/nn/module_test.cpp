#include "nn/module.h"

#include <gtest/gtest.h>

#include <sstream>

#include "autograd/autograd.h"
#include "nn/batchnorm.h"
#include "nn/linear.h"
#include "nn/sequential.h"
#include "nn/shape_layers.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

/// y = a * x + b, with a buffer c and a child.
struct Affine : Module {
  Affine() {
    a = register_parameter("a", full({2}, 2));
    b = register_parameter("b", zeros({2}));
    c = register_buffer("c", full({1}, 7));
    register_parameter("none", {});
    inner = register_module("inner", std::make_shared<Linear>(2, 3));
  }
  Tensor forward(const Tensor& x) override { return x * a + b; }

  Tensor a, b, c;
  std::shared_ptr<Linear> inner;
};

template <class Named>
std::vector<std::string> names_of(const Named& named) {
  std::vector<std::string> names;
  for (const auto& entry : named) names.push_back(entry.first);
  return names;
}

using Names = std::vector<std::string>;

TEST(Module, NamesTensorsAsPyTorchDoes) {
  Sequential model(Affine(), Sequential(Linear(2, 2), BatchNorm1d(2)));
  EXPECT_EQ(names_of(model.named_parameters()), (Names{"0.a", "0.b", "0.inner.weight", "0.inner.bias", "1.0.weight",
                                                       "1.0.bias", "1.1.weight", "1.1.bias"}));
  EXPECT_EQ(names_of(model.named_buffers()),
            (Names{"0.c", "1.1.running_mean", "1.1.running_var", "1.1.num_batches_tracked"}));
  EXPECT_EQ(names_of(model.state_dict()),
            (Names{"0.a", "0.b", "0.c", "0.inner.weight", "0.inner.bias", "1.0.weight", "1.0.bias", "1.1.weight",
                   "1.1.bias", "1.1.running_mean", "1.1.running_var", "1.1.num_batches_tracked"}));
  EXPECT_EQ(names_of(model.named_modules()), (Names{"", "0", "0.inner", "1", "1.0", "1.1"}));
  EXPECT_EQ(model.num_parameters(), 2 + 2 + 9 + 6 + 4);
}

TEST(Module, TiedWeightsAreListedOnce) {
  const auto shared = std::make_shared<Linear>(2, 2);
  Sequential model(shared, shared);
  EXPECT_EQ(model.parameters().size(), 2u);
  EXPECT_EQ(model.state_dict().size(), 4u);
}

TEST(Module, ItsHandlesAreTheRegisteredTensors) {
  Affine m;
  EXPECT_TRUE(m.a.requires_grad());
  EXPECT_FALSE(m.c.requires_grad());
  m(ones({1, 2})).sum().backward();
  expect_close(m.parameters()[0].grad(), {1, 1});
  m.zero_grad();
  EXPECT_FALSE(m.a.grad().defined());
  m.requires_grad_(false);
  EXPECT_FALSE(m(ones({1, 2})).requires_grad());
  m.requires_grad_();
  EXPECT_TRUE(m.inner->weight.requires_grad());
}

TEST(Module, MovedModulesKeepTheirTensors) {
  Affine m;
  const Tensor a = m.a;
  Affine moved = std::move(m);
  EXPECT_EQ(moved.parameters()[0].impl(), a.impl());
  expect_close(moved(ones({1, 2})), {2, 2});
}

TEST(Module, TrainAndEvalReachEveryChild) {
  Sequential model{Sequential{Identity()}, Identity()};
  model.eval();
  for (Module* m : model.modules()) EXPECT_FALSE(m->is_training());
  model.train();
  for (Module* m : model.modules()) EXPECT_TRUE(m->is_training());
}

TEST(Module, ApplyGoesFromTheLeavesUp) {
  Sequential model(Sequential(Identity()), Linear(1, 1));
  std::string order;
  model.apply([&](Module& m) { order += m.type_name() + " "; });
  EXPECT_EQ(order, "Identity Sequential Linear Sequential ");
}

TEST(Module, PrintsAsPyTorchDoes) {
  Sequential model(Linear(784, 50), Sequential(Identity()), BatchNorm1d(50), Linear(50, 10, false));
  std::ostringstream out;
  out << model;
  EXPECT_EQ(out.str(),
            "Sequential(\n"
            "  (0): Linear(in_features=784, out_features=50, bias=True)\n"
            "  (1): Sequential(\n"
            "    (0): Identity()\n"
            "  )\n"
            "  (2): BatchNorm1d(50, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)\n"
            "  (3): Linear(in_features=50, out_features=10, bias=False)\n"
            ")");
}

TEST(Module, MovingToItsOwnDeviceChangesNothing) {
  Affine m;
  const auto storage = m.a.storage();
  m.to(kCpu);
  EXPECT_EQ(m.a.storage(), storage);
}

TEST(Hooks, SeeAndReplaceWhatGoesInAndOut) {
  Affine m;
  std::string seen;
  const HookHandle before = m.register_forward_pre_hook([&](Module& module, Tensor& input) {
    seen += "pre " + module.type_name();
    input = input + 1;
  });
  const HookHandle after = m.register_forward_hook([&](Module&, const Tensor& input, Tensor& output) {
    seen += " post";
    expect_close(input, {2, 2});
    output = output * 10;
  });
  expect_close(m(ones({1, 2})), {40, 40});
  EXPECT_EQ(seen, "pre Affine post");
}

TEST(Hooks, RunInOrderUntilTheirHandleIsGone) {
  Identity m;
  std::string order;
  HookHandle first = m.register_forward_hook([&](Module&, const Tensor&, Tensor&) { order += "1"; });
  {
    const HookHandle second = m.register_forward_hook([&](Module&, const Tensor&, Tensor&) { order += "2"; });
    m(ones({1}));
  }
  m(ones({1}));
  first.reset();
  EXPECT_FALSE(m.has_hooks());
  m(ones({1}));
  EXPECT_EQ(order, "121");
}

TEST(Hooks, MayRemoveThemselvesAndOutliveTheModule) {
  HookHandle handle, left;
  int calls = 0;
  {
    Identity m;
    left = m.register_forward_hook([](Module&, const Tensor&, Tensor&) {});
    handle = m.register_forward_hook([&](Module&, const Tensor&, Tensor&) {
      ++calls;
      handle.reset();
    });
    m(ones({1}));
    m(ones({1}));
  }
  EXPECT_EQ(calls, 1);
}

TEST(StateDict, SharesItsDataAndRoundTrips) {
  Affine source, target;
  source.a.detach().fill_(5);
  const NamedTensors state = source.state_dict();
  EXPECT_EQ(state[0].second.storage(), source.a.storage());
  EXPECT_FALSE(state[0].second.requires_grad());
  target.load_state_dict(state);
  expect_close(target.a, {5, 5});
  expect_close(target.inner->weight, source.inner->weight.detach());
  EXPECT_TRUE(target.a.requires_grad());
  EXPECT_NE(target.a.storage(), source.a.storage());
}

TEST(StateDict, OneLineNamesEverythingThatDoesNotFit) {
  Affine m;
  NamedTensors state = m.state_dict();
  std::erase_if(state, [](const auto& entry) { return entry.first == "b"; });
  state.emplace_back("extra", ones({1}));
  state[0].second = full({3}, 9);
  const std::string message = message_of<ShapeError>([&] { m.load_state_dict(state); });
  EXPECT_EQ(message,
            "load_state_dict: the weights are not of this Affine: missing b; unexpected extra; of another shape a (f32 "
            "[3], expected f32 [2])");
  EXPECT_THROW(m.load_state_dict(state, /*strict=*/false), ShapeError);
  expect_close(m.a, {2, 2});
}

TEST(StateDict, NothingIsLoadedWhereSomethingDoesNotFit) {
  Affine m;
  m.load_state_dict({{"a", full({2}, 4)}}, /*strict=*/false);
  expect_close(m.a, {4, 4});
  EXPECT_THROW(m.load_state_dict({{"a", full({2}, 5)}}), ShapeError);
  expect_close(m.a, {4, 4});
}

TEST(StateDict, AFileOfAnotherModelGivesAShortLine) {
  Sequential big, small(Linear(2, 2));
  for (int i = 0; i < 20; ++i) big.push_back(Linear(2, 2));
  const std::string message = message_of<ShapeError>([&] { small.load_state_dict(big.state_dict()); });
  EXPECT_EQ(message,
            "load_state_dict: the weights are not of this Sequential: unexpected 1.bias, 1.weight, 10.bias and 35 "
            "more");
}

TEST(StateDict, ConvertsFloatsButNotKinds) {
  Affine m;
  m.load_state_dict({{"a", full({2}, 1.5, {.dtype = DType::bf16})}}, false);
  EXPECT_EQ(m.a.dtype(), DType::f32);
  expect_close(m.a, {1.5, 1.5});
  EXPECT_THROW(m.load_state_dict({{"a", full({2}, 1, {.dtype = DType::i64})}}, false), ShapeError);
}

}  // namespace
}  // namespace gw
