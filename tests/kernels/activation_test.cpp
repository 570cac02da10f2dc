#include "kernels/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/elementwise.h"
#include "kernels/math/activation.h"
#include "tensor/creation.h"
#include "tensor/views.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

using kernels::Activation;

constexpr GeneralReluOptions kLesson{.leak = 0.1f, .sub = 0.4f};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(GeneralRelu, ComputesTheFormula) {
  const Tensor x = tensor({-2, -0.5, 0, 0.25, 3});
  expect_close(kernels::general_relu(x, kLesson), {-0.6, -0.45, -0.4, -0.15, 2.6});
  expect_close(kernels::general_relu(x, {}), {0, 0, 0, 0.25, 3});
  expect_close(kernels::general_relu(x, {.leak = 0.1f, .sub = 0.4f, .maxv = 2.0f}), {-0.6, -0.45, -0.4, -0.15, 2});
  expect_close(kernels::general_relu(x, {.leak = -0.5f}), {1, 0.25, 0, 0.25, 3});
}

TEST(GeneralRelu, KeepsNanAndInfinity) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  expect_close(kernels::general_relu(tensor({kNan, kInf, -kInf}), kLesson), {kNan, kInf, -kInf});
}

TEST(GeneralRelu, BackwardPassesGradientAtTheClampAndLeaksAtZero) {
  const Tensor x = tensor({-1, 0, 1, 2, 3}), dy = tensor({10, 10, 10, 10, 10});
  expect_close(kernels::general_relu_backward(dy, x, {.leak = 0.1f, .sub = 0, .maxv = 2.0f}), {1, 1, 10, 10, 0});
}

// Positive inputs too small to change -sub would otherwise be taken for negative ones.
TEST(GeneralRelu, TheOutputTellsTheSignOfEveryInput) {
  std::vector<float> values;
  for (float magnitude = 1e-45f; magnitude < 10; magnitude *= 1.37f) {
    values.push_back(magnitude);
    values.push_back(-magnitude);
    if (magnitude < 5e-45f) magnitude = 5e-45f;
  }
  values.push_back(0.0f);
  values.push_back(-0.0f);
  const Tensor base = tensor(values);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const float sub : {0.4f, 0.0f, -0.3f, 1.0f, 1e-30f}) {
      const GeneralReluOptions o{.leak = 0.1f, .sub = sub};
      const Tensor x = kernels::cast(base, dtype), dy = ones_like(x), y = kernels::general_relu(x, o);
      expect_close(kernels::general_relu_backward_from_output(dy, y, o), kernels::general_relu_backward(dy, x, o), 0,
                   0);
      const double allowed = dtype == DType::f32 ? 1.8e-7 : 1.2e-2;  // 1.5 units in the last place
      const std::vector<double> in = x.to_vector<double>(), out = y.to_vector<double>();
      for (size_t i = 0; i < in.size(); ++i) {
        const double exact = (in[i] > 0 ? in[i] : static_cast<double>(0.1f) * in[i]) - static_cast<double>(sub);
        EXPECT_NEAR(out[i], exact, allowed * std::fabs(exact) + 1e-40);
      }
    }
  }
}

TEST(GeneralRelu, NextAboveStepsThroughZero) {
  EXPECT_EQ(math::next_above(0.0f, DType::bf16), 0x1p-133f);
  EXPECT_EQ(math::next_above(-0.0f, DType::bf16), 0x1p-133f);
  EXPECT_EQ(math::next_above(1.0f, DType::bf16), 1.0078125f);
  EXPECT_EQ(math::next_above(-1.0f, DType::bf16), -0.99609375f);
  EXPECT_EQ(math::next_above(0.0f, DType::f32), std::numeric_limits<float>::denorm_min());
}

TEST(AddGeneralRelu, EqualsAdditionThenGeneralRelu) {
  Generator generator(1);
  for (const int64_t n : {0, 1, 7, 64, 100003}) {
    const Tensor a = randn({n}, {}, generator), b = randn({n}, {}, generator);
    expect_close(kernels::add_general_relu(a, b, kLesson), kernels::general_relu(kernels::add(a, b), kLesson), 0, 0);
  }
}

TEST(AddGeneralRelu, TakesOperandsOfDifferentLayouts) {
  Generator generator(2);
  const Tensor a = randn({2, 3, 4, 5}, {}, generator), b = randn({2, 3, 4, 5}, {}, generator);
  const Tensor y = kernels::add_general_relu(kernels::contiguous(a, MemoryFormat::channels_last), b, kLesson);
  EXPECT_TRUE(y.is_contiguous(MemoryFormat::channels_last));
  expect_close(y, kernels::add_general_relu(a, b, kLesson), 0, 0);
  const Tensor sliced = views::slice(a, 3, 0, 5, 2);
  expect_close(kernels::add_general_relu(sliced, views::slice(b, 3, 0, 5, 2), kLesson), views::slice(y, 3, 0, 5, 2));
}

TEST(AddGeneralRelu, NamesWhatDoesNotFit) {
  EXPECT_EQ(message_of<ShapeError>([] {
              kernels::add_general_relu(zeros({2, 3}), zeros({3}), {});
            }),
            "add_general_relu: expected operands of one shape, got [2, 3] and [3]");
  EXPECT_EQ(
      message_of<DTypeError>([] { kernels::add_general_relu(zeros({2}), zeros({2}, {.dtype = DType::bf16}), {}); }),
      "add_general_relu: expected operands of one dtype, got f32 and bf16");
  EXPECT_EQ(message_of<DTypeError>([] { kernels::general_relu(zeros({2}, {.dtype = DType::i32}), {}); }),
            "general_relu: expected f32 or bf16, got i32");
  EXPECT_THROW(kernels::general_relu_backward_from_output(zeros({2}), zeros({2}), {.leak = -1}), ConfigError);
}

struct SmoothCase {
  Activation f;
  kernels::ActivationParams p;
  double (*exact)(double);
  double atol = 3e-7;
};

class Smooth : public testing::TestWithParam<SmoothCase> {};

TEST_P(Smooth, MatchesTheFormulaInDoubleAndItsDerivative) {
  const Tensor x = linspace(-12, 12, 1000);
  std::vector<double> values, slopes;
  for (const double v : x.to_vector<double>()) {
    values.push_back(GetParam().exact(v));
    slopes.push_back((GetParam().exact(v + 1e-6) - GetParam().exact(v - 1e-6)) / 2e-6);
  }
  expect_close(kernels::activation(GetParam().f, x, GetParam().p), values, 3e-6, GetParam().atol);
  if (GetParam().f == Activation::hardtanh) return;  // the finite differences stumble over its corners
  expect_close(kernels::activation_backward(GetParam().f, ones_like(x), x, GetParam().p), slopes, 1e-5, 2e-6);
}

INSTANTIATE_TEST_SUITE_P(
    Activations, Smooth,
    testing::Values(
        SmoothCase{Activation::silu, {}, [](double x) { return x / (1 + std::exp(-x)); }},
        // Below zero 1 + erf cancels: five units in erf's last place, times |x| / 2, remain.
        SmoothCase{Activation::gelu, {}, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }, 6e-7},
        SmoothCase{Activation::gelu_tanh,
                   {},
                   [](double x) {
                     return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
                   }},
        SmoothCase{Activation::mish, {}, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }},
        SmoothCase{Activation::softplus, {1, 20}, [](double x) { return std::log1p(std::exp(x)); }},
        SmoothCase{Activation::softplus, {2, 30}, [](double x) { return std::log1p(std::exp(2 * x)) / 2; }},
        SmoothCase{Activation::elu, {1.5f, 0}, [](double x) { return x > 0 ? x : 1.5 * std::expm1(x); }},
        SmoothCase{Activation::hardtanh, {-0.5f, 2}, [](double x) { return std::fmin(2, std::fmax(-0.5, x)); }}));

TEST(Activation, SaturatesWithoutOverflow) {
  const Tensor x = tensor({-1000, 1000});
  expect_close(kernels::activation(Activation::softplus, x, {1, 20}), {0, 1000});
  expect_close(kernels::activation(Activation::elu, x, {1, 0}), {-1, 1000});
  expect_close(kernels::activation(Activation::gelu, x), {0, 1000});
  expect_close(kernels::activation(Activation::silu, x), {0, 1000});
  expect_close(kernels::activation(Activation::mish, x), {0, 1000});
  const Tensor far = tensor({-1e30f, 1e30f});
  expect_close(kernels::activation_backward(Activation::mish, ones_like(far), far), {0, 1});
  expect_close(kernels::activation(Activation::silu, tensor({kNan})), {kNan});
  expect_close(kernels::activation(Activation::mish, tensor({kNan})), {kNan});
}

TEST(Activation, ComputesBf16InF32) {
  const Tensor x = kernels::cast(linspace(-4, 4, 33), DType::bf16);
  const Tensor y = kernels::activation(Activation::gelu, x);
  EXPECT_EQ(y.dtype(), DType::bf16);
  const Tensor exact = kernels::activation(Activation::gelu, kernels::cast(x, DType::f32));
  expect_close(y, kernels::cast(exact, DType::bf16), 0, 0);
}

}  // namespace
}  // namespace gw
