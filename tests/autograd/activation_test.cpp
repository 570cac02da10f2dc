#include "autograd/activation.h"

#include <gtest/gtest.h>

#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr GeneralReluOptions kLesson{.leak = 0.1f, .sub = 0.4f};
constexpr GeneralReluOptions kClamped{.leak = 0.1f, .sub = 0.4f, .maxv = 1.0f};

/// Values that keep further than the finite differences' step from the corners at 0, 1, 1.4 and -1.
Tensor leaf(int64_t first = 0) {
  std::vector<float> values;
  for (int64_t i = 0; i < 24; ++i) values.push_back(0.23f * static_cast<float>((7 * (i + first)) % 24) - 2.62f);
  return from_values(values, {2, 3, 2, 2}).set_requires_grad();
}

TEST(ActivationGradient, AgreesWithFiniteDifferences) {
  const auto check = [](auto f) {
    return gradcheck([f](const std::vector<Tensor>& in) { return f(in[0]); }, {leaf()});
  };
  EXPECT_EQ(check([](const Tensor& x) { return general_relu(x, kLesson); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return general_relu(x, kClamped); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return general_relu(x, {.leak = -0.2f}); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return leaky_relu(x); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return silu(x); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return gelu(x); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return gelu(x, GeluApproximation::tanh); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return mish(x); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return softplus(x); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return softplus(x, 2, 3); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return elu(x, 1.5); }), "");
  EXPECT_EQ(check([](const Tensor& x) { return hardtanh(x); }), "");
}

TEST(AddGeneralReluGradient, ReachesBothInputs) {
  const Tensor a = leaf(), b = (leaf(5).detach() * 0.5 + 0.017).set_requires_grad();
  for (const GeneralReluOptions& o : {kLesson, kClamped}) {
    const auto f = [o](const std::vector<Tensor>& in) { return add_general_relu(in[0], in[1], o); };
    EXPECT_EQ(gradcheck(f, {a, b}), "");
    EXPECT_EQ(gradcheck(f, {a, b.detach()}), "");
  }
}

TEST(AddGeneralReluGradient, OfATensorWithItselfIsTwiceTheSlope) {
  const Tensor x = tensor({-1, 2}).set_requires_grad();
  add_general_relu(x, x, kLesson).sum().backward();
  expect_close(x.grad(), {0.2, 2});
}

TEST(AddGeneralReluGradient, TakesAGradientOfAnotherLayout) {
  const Tensor x = leaf(), y = general_relu(x.contiguous(MemoryFormat::channels_last), kLesson);
  y.backward(arange(0, 24).to(DType::f32).reshape({2, 3, 2, 2}));
  std::vector<double> expected;
  const std::vector<double> values = x.detach().to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i) expected.push_back(static_cast<double>(i) * (values[i] > 0 ? 1 : 0.1));
  expect_close(x.grad(), expected);
}

TEST(Activation, RefusesOptionsThatMakeNoSense) {
  EXPECT_EQ(message_of<ConfigError>([] { hardtanh(zeros({1}), 2, 1); }), "hardtanh: expected min <= max, got 2 and 1");
  EXPECT_EQ(message_of<ConfigError>([] { softplus(zeros({1}), 0); }), "softplus: expected beta > 0, got 0");
}

}  // namespace
}  // namespace gw
