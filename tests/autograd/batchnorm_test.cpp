#include "autograd/batchnorm.h"

#include <gtest/gtest.h>

#include "autograd/activation.h"
#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr GeneralReluOptions kLesson{.leak = 0.1f, .sub = 0.4f};
constexpr GeneralReluOptions kClamped{.leak = 0.1f, .sub = 0.4f, .maxv = 1.0f};
constexpr GeneralReluOptions kSmooth{.leak = 1.0f, .sub = 0.4f};  // no corner for the finite differences to cross

struct Inputs {
  Tensor x, weight, bias, residual, running_mean, running_var;

  explicit Inputs(const Shape& shape) {
    Generator generator(5);
    x = randn(shape, {}, generator).set_requires_grad();
    weight = (rand({shape[1]}, {}, generator) + 0.5).set_requires_grad();
    bias = randn({shape[1]}, {}, generator).set_requires_grad();
    residual = randn(shape, {}, generator).set_requires_grad();
    running_mean = randn({shape[1]}, {}, generator);
    running_var = rand({shape[1]}, {}, generator) + 0.5;
  }
  std::vector<Tensor> all() const { return {x, weight, bias, residual}; }
};

TEST(BatchNormGradient, AgreesWithFiniteDifferences) {
  for (const Shape& shape : {Shape{6, 3}, Shape{3, 2, 4}, Shape{2, 3, 2, 3}}) {
    const Inputs in(shape);
    for (const bool training : {true, false}) {
      for (const bool with_act : {false, true}) {
        const auto f = [&](const std::vector<Tensor>& t) {
          const auto act = with_act ? std::optional(kSmooth) : std::nullopt;
          return batch_norm(t[0], in.running_mean.clone(), in.running_var.clone(), t[1], t[2], {.training = training},
                            act, t[3]);
        };
        EXPECT_EQ(gradcheck(f, in.all()), "") << shape.to_string() << training << with_act;
      }
    }
  }
}

/// y and the gradients of x, weight, bias and residual for one gradient of y.
std::vector<Tensor> results(const Inputs& in, const std::function<Tensor(const std::vector<Tensor>&)>& f) {
  std::vector<Tensor> leaves;
  for (const Tensor& t : in.all()) leaves.push_back(t.detach().clone().set_requires_grad());
  const Tensor y = f(leaves);
  Generator generator(6);
  y.backward(randn(y.shape(), {}, generator));
  std::vector<Tensor> out{y.detach()};
  for (const Tensor& t : leaves) out.push_back(t.grad());
  return out;
}

TEST(BatchNormGradient, FusedFormsEqualTheComposedOnes) {
  for (const Shape& shape : {Shape{40, 10}, Shape{3, 8, 5, 5}}) {
    const Inputs in(shape);
    for (const bool training : {true, false}) {
      const BatchNormOptions o{.training = training};
      for (const GeneralReluOptions& act : {kLesson, kClamped, GeneralReluOptions{.leak = -0.3f}}) {
        const auto norm = [&](const std::vector<Tensor>& t) {
          return batch_norm(t[0], in.running_mean.clone(), in.running_var.clone(), t[1], t[2], o);
        };
        const auto with_act = [&](const std::vector<Tensor>& t) {
          return batch_norm(t[0], in.running_mean.clone(), in.running_var.clone(), t[1], t[2], o, act);
        };
        const auto with_residual = [&](const std::vector<Tensor>& t) {
          return batch_norm(t[0], in.running_mean.clone(), in.running_var.clone(), t[1], t[2], o, act, t[3]);
        };
        const auto fused = results(in, with_act);
        const auto composed = results(in, [&](const auto& t) { return general_relu(norm(t), act); });
        for (size_t i = 0; i < 4; ++i) expect_close(fused[i], composed[i], 1e-5, 1e-5);
        const auto fused_residual = results(in, with_residual);
        const auto composed_residual = results(in, [&](const auto& t) { return add_general_relu(norm(t), t[3], act); });
        for (size_t i = 0; i < 5; ++i) expect_close(fused_residual[i], composed_residual[i], 1e-5, 1e-5);
      }
    }
  }
}

TEST(BatchNormGradient, ParametersMayBeLeftOut) {
  const Inputs in({6, 3});
  const auto f = [](const std::vector<Tensor>& t) { return batch_norm(t[0], {}, {}); };
  EXPECT_EQ(gradcheck(f, {in.x}), "");
  const auto only_weight = [&](const std::vector<Tensor>& t) { return batch_norm(in.x.detach(), {}, {}, t[0]); };
  EXPECT_EQ(gradcheck(only_weight, {in.weight}), "");
}

TEST(BatchNormGradient, Bf16ActivationsGiveF32ParameterGradients) {
  const Inputs in({4, 8, 3, 3});
  const Tensor x = in.x.detach().to(DType::bf16).set_requires_grad();
  const Tensor y = batch_norm(x, {}, {}, in.weight, in.bias, {}, kLesson);
  y.backward(ones_like(y));
  EXPECT_EQ(y.dtype(), DType::bf16);
  EXPECT_EQ(x.grad().dtype(), DType::bf16);
  EXPECT_EQ(in.weight.grad().dtype(), DType::f32);
}

}  // namespace
}  // namespace gw
