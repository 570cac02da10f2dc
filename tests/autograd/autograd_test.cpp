#include "autograd/autograd.h"

#include <gtest/gtest.h>

#include "autograd/arithmetic.h"
#include "autograd/gradcheck.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using Floats = std::vector<float>;
using Inputs = std::vector<Tensor>;

Tensor leaf(const Floats& values) { return tensor(values, {.requires_grad = true}); }

/// Values of about 1 in size whose neighbours are far enough apart that finite differences cross no kink.
Tensor input(const Shape& shape, float shift = 0) {
  Floats values(static_cast<size_t>(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = shift + 0.15f + 0.2f * static_cast<float>((i * 7) % 11) - 1.0f;
  return from_values(values, shape, {.requires_grad = true});
}
Tensor positive(const Shape& shape) { return input(shape, 1.5f); }

TEST(Autograd, ChainRule) {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = (x * x * 2.0 + 1.0).sum();
  EXPECT_EQ(y.item(), 31);
  y.backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{4, 8, 12}));
}

TEST(Autograd, GradientsAccumulateInLeaves) {
  const Tensor x = leaf({1, 2});
  (x * 3.0).sum().backward();
  (x * 4.0).sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{7, 7}));
}

TEST(Autograd, SharedSubexpressionsAreVisitedOnce) {
  const Tensor x = leaf({3});
  const Tensor a = x * 2.0, b = a + a, c = a * b;  // c = 8 x^2
  c.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{48}));
}

TEST(Autograd, OneGradientForTwoInputsIsNotChangedThroughEither) {
  // add hands the same tensor to both inputs; each then receives a second gradient.
  const Tensor x = leaf({1}), y = leaf({1});
  const Tensor a = x * 1.0, b = y * 1.0;
  ((a + b) + a * 10.0 + b * 100.0).sum().backward();
  EXPECT_EQ(x.grad().item(), 11);
  EXPECT_EQ(y.grad().item(), 101);
}

TEST(Autograd, IncomingGradient) {
  const Tensor x = leaf({1, 2});
  (x * x).backward(tensor({10, 1}));
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{20, 4}));
  EXPECT_THROW((x * x).backward(), AutogradError);
  EXPECT_THROW((x * x).backward(tensor({1})), ShapeError);
}

TEST(Autograd, NoGradAndDetach) {
  const Tensor x = leaf({1, 2});
  {
    const NoGrad no_grad;
    EXPECT_FALSE((x * 2.0).requires_grad());
    EXPECT_FALSE(grad_enabled());
  }
  EXPECT_TRUE(grad_enabled());
  EXPECT_FALSE(x.detach().requires_grad());
  (x.detach() * x).sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{1, 2}));
  EXPECT_THROW(tensor({1}).sum().backward(), AutogradError);
  EXPECT_THROW(x.detach().to(DType::i64).set_requires_grad(), DTypeError);
}

TEST(Autograd, AGraphIsFreedUnlessRetained) {
  const Tensor x = leaf({2});
  const Tensor y = (x * x).sum();
  y.backward({}, /*retain_graph=*/true);
  y.backward();
  EXPECT_EQ(x.grad().item(), 8);
  EXPECT_THROW(y.backward(), AutogradError);
}

TEST(Autograd, ChangesOfSavedTensorsAreNoticed) {
  Tensor x = leaf({1, 2});
  Tensor h = x * 1.0;
  const Tensor y = (h * h).sum();
  {
    const NoGrad no_grad;
    h.add_(1.0);
  }
  EXPECT_THROW(y.backward(), AutogradError);

  // An addition saves nothing, so changing its operand does no harm.
  Tensor g = x * 1.0;
  const Tensor z = (g + 1.0).sum();
  {
    const NoGrad no_grad;
    g.zero_();
  }
  z.backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{1, 1}));
}

TEST(Autograd, InPlaceOnTrackedTensorsIsRefused) {
  Tensor x = leaf({1, 2});
  EXPECT_THROW(x.add_(1.0), AutogradError);
  Tensor plain = tensor({0, 0});
  EXPECT_THROW(plain.add_(x), AutogradError);
  EXPECT_THROW((x * 2.0).set_requires_grad(false), AutogradError);
}

TEST(Autograd, DeepGraphsNeitherRecurseNorLeak) {
  const size_t before = cpu_memory_stats().in_use;
  {
    const Tensor x = leaf({1});
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) y = y + 1.0;
    y.sum().backward();
    EXPECT_EQ(x.grad().item(), 1);
    Tensor unused = x;
    for (int i = 0; i < 100000; ++i) unused = unused * 1.0;  // destroyed without a backward pass
  }
  EXPECT_EQ(cpu_memory_stats().in_use, before);
}

TEST(Autograd, SavedOutputsFormNoCycle) {
  const size_t before = cpu_memory_stats().in_use;
  {
    const Tensor x = leaf({1, 2});
    x.exp().sum();  // exp saves its own output
  }
  EXPECT_EQ(cpu_memory_stats().in_use, before);
}

TEST(Autograd, BroadcastGradientsAreSummed) {
  const Tensor a = leaf({1, 2}), b = input({3, 1});
  (a * b).sum().backward();
  EXPECT_EQ(a.grad().shape(), (Shape{2}));
  EXPECT_EQ(b.grad().to_vector<float>(), (Floats{3, 3, 3}));
}

TEST(Autograd, GradientsTakeTheDTypeOfTheirInput) {
  const Tensor x = leaf({1, 2});
  const Tensor low = tensor({3, 4}).to(DType::bf16).set_requires_grad();
  (x * low).sum().backward();
  EXPECT_EQ(x.grad().dtype(), DType::f32);
  EXPECT_EQ(low.grad().dtype(), DType::bf16);
}

TEST(Gradcheck, FindsAWrongGradient) {
  const auto wrong = [](const Inputs& in) {
    return record("wrong", in[0] * 1.0, {in[0]}, [](const Tensor& dy) { return Grads{dy * 1.1}; });
  };
  EXPECT_NE(gradcheck(wrong, {input({3})}), "");
  EXPECT_THROW(gradcheck(wrong, {tensor({1})}), ConfigError);
}

struct Case {
  const char* name;
  std::function<Tensor(const Inputs&)> f;
  Inputs inputs;
};

class OpGradients : public testing::TestWithParam<Case> {};

TEST_P(OpGradients, AgreeWithFiniteDifferences) { EXPECT_EQ(gradcheck(GetParam().f, GetParam().inputs), ""); }

const Tensor kMask = from_values<uint8_t>({1, 0, 1}, {3}, {.dtype = DType::u8});

INSTANTIATE_TEST_SUITE_P(
    Ops, OpGradients,
    testing::Values(
        Case{"neg", [](const Inputs& in) { return -in[0]; }, {input({2, 3})}},
        Case{"exp", [](const Inputs& in) { return in[0].exp(); }, {input({2, 3})}},
        Case{"log", [](const Inputs& in) { return in[0].log(); }, {positive({2, 3})}},
        Case{"sqrt", [](const Inputs& in) { return in[0].sqrt(); }, {positive({2, 3})}},
        Case{"rsqrt", [](const Inputs& in) { return in[0].rsqrt(); }, {positive({2, 3})}},
        Case{"abs", [](const Inputs& in) { return in[0].abs(); }, {input({2, 3})}},
        Case{"pow", [](const Inputs& in) { return in[0].pow(2.5); }, {positive({2, 3})}},
        Case{"square", [](const Inputs& in) { return in[0].pow(2); }, {input({2, 3})}},
        Case{"sigmoid", [](const Inputs& in) { return in[0].sigmoid(); }, {input({2, 3})}},
        Case{"tanh", [](const Inputs& in) { return in[0].tanh(); }, {input({2, 3})}},
        Case{"relu", [](const Inputs& in) { return in[0].relu(); }, {input({2, 3})}},
        Case{"clamp", [](const Inputs& in) { return in[0].clamp(-0.5, 0.5); }, {input({2, 3})}},
        Case{"add", [](const Inputs& in) { return add(in[0], in[1], 0.3); }, {input({2, 3}), input({3})}},
        Case{"sub", [](const Inputs& in) { return in[0] - in[1]; }, {input({2, 1}), input({3})}},
        Case{"mul", [](const Inputs& in) { return in[0] * in[1]; }, {input({2, 3}), input({2, 1})}},
        Case{"div", [](const Inputs& in) { return in[0] / in[1]; }, {input({2, 3}), positive({3})}},
        Case{"number_sub", [](const Inputs& in) { return 2.0 - in[0]; }, {input({3})}},
        Case{"number_div", [](const Inputs& in) { return 2.0 / in[0]; }, {positive({3})}},
        Case{"div_number", [](const Inputs& in) { return in[0] / 4.0; }, {input({3})}},
        Case{"maximum", [](const Inputs& in) { return maximum(in[0], in[1]); }, {input({3}), input({2, 3}, 0.05f)}},
        Case{"minimum", [](const Inputs& in) { return minimum(in[0], in[1]); }, {input({3}), input({2, 3}, 0.05f)}},
        Case{"where", [](const Inputs& in) { return where(kMask, in[0], in[1]); }, {input({2, 3}), input({1})}},
        Case{"masked_fill", [](const Inputs& in) { return masked_fill(in[0], kMask, 9); }, {input({2, 3})}},
        Case{"sum",
             [](const Inputs& in) {
               return in[0].sum({0, 2});
             },
             {input({2, 3, 2})}},
        Case{"mean", [](const Inputs& in) { return in[0].mean({1}, true); }, {input({2, 3})}},
        Case{"mean_all", [](const Inputs& in) { return in[0].mean(); }, {input({2, 3})}},
        Case{"var", [](const Inputs& in) { return in[0].var({1}); }, {input({2, 5})}},
        Case{"std", [](const Inputs& in) { return in[0].std({0}, 0); }, {input({5, 2})}},
        Case{"amax", [](const Inputs& in) { return in[0].amax({1}); }, {input({2, 5})}},
        Case{"max_dim", [](const Inputs& in) { return in[0].max(0).first; }, {input({3, 2})}},
        Case{"min_dim", [](const Inputs& in) { return in[0].min(-1, true).first; }, {input({3, 2})}},
        Case{"reshape", [](const Inputs& in) { return in[0].t().reshape({6}) * in[1]; }, {input({2, 3}), input({6})}},
        Case{"permute",
             [](const Inputs& in) { return in[0].permute({2, 0, 1}) * in[1]; },
             {input({2, 3, 2}), input({2, 2, 3})}},
        Case{"expand", [](const Inputs& in) { return in[0].unsqueeze(0).expand({4, 3}); }, {input({3})}},
        Case{"select", [](const Inputs& in) { return in[0].select(1, 2); }, {input({2, 3})}},
        Case{"slice", [](const Inputs& in) { return in[0].slice(1, 0, 5, 2); }, {input({2, 5})}},
        Case{"squeeze", [](const Inputs& in) { return in[0].squeeze(); }, {input({1, 3, 1})}},
        Case{"contiguous", [](const Inputs& in) { return in[0].t().contiguous(); }, {input({2, 3})}},
        Case{"clone", [](const Inputs& in) { return in[0].clone(); }, {input({2, 3})}}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace gw
