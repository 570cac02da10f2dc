#include "autograd/losses.h"

#include <gtest/gtest.h>

#include "autograd/gradcheck.h"
#include "autograd/softmax.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using Inputs = std::vector<Tensor>;

constexpr Reduction kReductions[] = {Reduction::none, Reduction::mean, Reduction::sum};

TEST(LossGradients, CrossEntropyOfClasses) {
  Generator generator(1);
  const Inputs x = {randn({4, 5, 3}, {.requires_grad = true}, generator)};
  const Tensor targets = randint(0, 5, {4, 3}, {.dtype = DType::i64}, generator), weight = rand({5}, {}, generator);
  for (const Reduction reduction : kReductions)
    for (const double smoothing : {0.0, 0.2}) {
      const CrossEntropyOptions o{
          .reduction = reduction, .label_smoothing = smoothing, .ignore_index = 1, .weight = weight};
      EXPECT_EQ(gradcheck([&](const Inputs& in) { return cross_entropy(in[0], targets, o); }, x), "");
    }
}

TEST(LossGradients, CrossEntropyOfProbabilities) {
  Generator generator(2);
  const Inputs x = {randn({4, 5}, {.requires_grad = true}, generator)};
  const Tensor targets = softmax(randn({4, 5}, {}, generator), 1), weight = rand({5}, {}, generator);
  for (const Reduction reduction : kReductions) {
    const CrossEntropyOptions o{.reduction = reduction, .label_smoothing = 0.1, .weight = weight};
    EXPECT_EQ(gradcheck([&](const Inputs& in) { return cross_entropy(in[0], targets, o); }, x), "");
  }
}

TEST(LossGradients, NllLossCompletesLogSoftmax) {
  Generator generator(3);
  const Tensor x = randn({4, 5}, {.requires_grad = true}, generator);
  const Tensor targets = randint(0, 5, {4}, {.dtype = DType::i64}, generator);
  for (const Reduction reduction : kReductions)
    EXPECT_EQ(
        gradcheck([&](const Inputs& in) { return nll_loss(in[0].log_softmax(1), targets, {.reduction = reduction}); },
                  {x}),
        "");
  EXPECT_NEAR(nll_loss(x.log_softmax(1), targets).item(), cross_entropy(x, targets).item(), 1e-6);
}

TEST(LossGradients, DifferencesInBothArguments) {
  Generator generator(4);
  const Inputs in = {randn({3, 4}, {.requires_grad = true}, generator),
                     randn({3, 4}, {.requires_grad = true}, generator)};
  for (const Reduction reduction : kReductions) {
    EXPECT_EQ(gradcheck([=](const Inputs& x) { return mse_loss(x[0], x[1], reduction); }, in), "");
    EXPECT_EQ(gradcheck([=](const Inputs& x) { return l1_loss(x[0], x[1], reduction); }, in), "");
  }
}

TEST(LossGradients, BinaryCrossEntropies) {
  Generator generator(5);
  const Tensor y = rand({3, 4}, {}, generator), pos_weight = rand({4}, {}, generator);
  const Tensor logits = randn({3, 4}, {.requires_grad = true}, generator);
  Tensor p = (rand({3, 4}, {}, generator) * 0.6 + 0.2).detach();
  p.set_requires_grad();
  for (const Reduction reduction : kReductions) {
    EXPECT_EQ(gradcheck([&](const Inputs& in) { return binary_cross_entropy(in[0], y, reduction); }, {p}), "");
    EXPECT_EQ(gradcheck(
                  [&](const Inputs& in) {
                    return binary_cross_entropy_with_logits(in[0], y,
                                                            {.reduction = reduction, .pos_weight = pos_weight});
                  },
                  {logits}),
              "");
  }
}

TEST(LossGradients, KeepTheDTypeOfTheirInputs) {
  Generator generator(6);
  const Tensor x = randn({3, 4}, {.dtype = DType::bf16, .requires_grad = true}, generator);
  const Tensor y = randn({3, 4}, {.requires_grad = true}, generator);
  const Tensor loss = mse_loss(x, y);
  EXPECT_EQ(loss.dtype(), DType::f32);
  loss.backward();
  EXPECT_EQ(x.grad().dtype(), DType::bf16);
  EXPECT_EQ(y.grad().dtype(), DType::f32);
  EXPECT_NEAR(x.grad().to_vector<float>()[5], -y.grad().to_vector<float>()[5], 1e-2);
}

TEST(LossGradients, NoticeChangedTargets) {
  const Tensor x = zeros({2, 3}, {.requires_grad = true});
  Tensor targets = zeros({2}, {.dtype = DType::i64});
  const Tensor loss = cross_entropy(x, targets);
  targets.fill_(1);
  EXPECT_THROW(loss.backward(), AutogradError);
}

TEST(LossGradients, RefuseShapesThatDiffer) {
  EXPECT_THROW(mse_loss(zeros({2, 1}), zeros({2})), ShapeError);
  EXPECT_THROW(l1_loss(zeros({2}), zeros({2}, {.dtype = DType::i64})), DTypeError);
  EXPECT_THROW(binary_cross_entropy_with_logits(zeros({2, 3}), zeros({2, 3}), {.pos_weight = ones({2})}), ShapeError);
}

TEST(Losses, CrossEntropyIsDifferentiableInSoftTargets) {
  Generator g(9);
  const Tensor logits = randn({3, 4}, {}, g).set_requires_grad();
  const Tensor targets = randn({3, 4}, {}, g).softmax(1).detach().set_requires_grad();
  const Tensor weight = rand({4}, {}, g) + 0.5;
  const auto f = [&](const std::vector<Tensor>& t) {
    return cross_entropy(t[0], t[1], {.label_smoothing = 0.1, .weight = weight});
  };
  EXPECT_EQ(gradcheck(f, {logits, targets}), "");
  EXPECT_EQ(gradcheck([&](const auto& t) { return cross_entropy(logits.detach(), t[0]); }, {targets}), "");
}

}  // namespace
}  // namespace gw
