#include "kernels/losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw {
namespace {

/// The definition of cross_entropy in double, position by position. `x` holds lines of `classes` logits, `q` the target
/// distribution of each line.
struct Reference {
  std::vector<double> losses, gradients;

  Reference(const std::vector<float>& x, const std::vector<double>& q, size_t classes) {
    for (size_t start = 0; start < x.size(); start += classes) {
      double max = -INFINITY, sum = 0, loss = 0, total = 0;
      for (size_t c = 0; c < classes; ++c) max = std::max(max, double{x[start + c]});
      for (size_t c = 0; c < classes; ++c) sum += std::exp(x[start + c] - max);
      for (size_t c = 0; c < classes; ++c) {
        loss += q[start + c] * (max + std::log(sum) - x[start + c]);
        total += q[start + c];
      }
      losses.push_back(loss);
      for (size_t c = 0; c < classes; ++c)
        gradients.push_back(total * std::exp(x[start + c] - max) / sum - q[start + c]);
    }
  }
  double sum() const {
    double total = 0;
    for (const double l : losses) total += l;
    return total;
  }
};

/// The weighted and smoothed distribution that class targets stand for; zeros where they are ignored.
std::vector<double> distribution(const std::vector<int64_t>& targets, size_t classes, const CrossEntropyOptions& o) {
  const auto weights = o.weight.defined() ? o.weight.to_vector<float>() : std::vector<float>(classes, 1.0f);
  std::vector<double> q;
  for (const int64_t t : targets)
    for (size_t c = 0; c < classes; ++c) {
      const bool hit = static_cast<int64_t>(c) == t;
      const double share = (1 - o.label_smoothing) * hit + o.label_smoothing / static_cast<double>(classes);
      q.push_back(t == o.ignore_index ? 0 : weights[c] * share);
    }
  return q;
}

double total_weight(const std::vector<int64_t>& targets, const CrossEntropyOptions& o) {
  double total = 0;
  for (const int64_t t : targets)
    if (t != o.ignore_index) total += o.weight.defined() ? o.weight.to_vector<float>()[static_cast<size_t>(t)] : 1;
  return total;
}

void expect_near(const Tensor& got, const std::vector<double>& expected, double factor, double tolerance) {
  const auto values = got.to_vector<float>();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], expected[i] * factor, tolerance) << i;
}

/// Checks logits [N, C] against the definition for all reductions.
void expect_right(const Tensor& logits, const Tensor& targets, CrossEntropyOptions o, double tolerance = 2e-6) {
  const auto classes = static_cast<size_t>(logits.shape()[1]);
  const auto t = targets.to_vector<int64_t>();
  const Reference r(logits.to_vector<float>(), distribution(t, classes, o), classes);
  const double mean = 1 / total_weight(t, o);
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
    o.reduction = reduction;
    const auto forward = kernels::cross_entropy(logits, targets, o);
    EXPECT_EQ(forward.loss.dtype(), DType::f32);
    if (reduction == Reduction::none)
      expect_near(forward.loss, r.losses, 1, 10 * tolerance);
    else
      EXPECT_NEAR(forward.loss.item(), r.sum() * (reduction == Reduction::mean ? mean : 1), 50 * tolerance);
    const Tensor dloss = full(forward.loss.shape(), 2);
    const Tensor dx = kernels::cross_entropy_backward(dloss, logits, targets, forward, o);
    EXPECT_EQ(dx.dtype(), logits.dtype());
    expect_near(dx, r.gradients, 2 * (reduction == Reduction::mean ? mean : 1), 2 * tolerance);
  }
}

TEST(CrossEntropy, AgreesWithDoubles) {
  Generator generator(1);
  for (const Shape& shape : {Shape{1, 1}, Shape{1, 3}, Shape{9, 10}, Shape{257, 33}, Shape{5, 1000}}) {
    const Tensor logits = kernels::mul(randn(shape, {}, generator), 3);
    const Tensor targets = randint(0, shape[1], {shape[0]}, {.dtype = DType::i64}, generator);
    const Tensor weight = rand({shape[1]}, {}, generator);
    for (const double smoothing : {0.0, 0.1, 1.0}) {
      expect_right(logits, targets, {.label_smoothing = smoothing});
      expect_right(logits, targets, {.label_smoothing = smoothing, .weight = weight});
      if (shape[1] > 3) expect_right(logits, targets, {.label_smoothing = smoothing, .ignore_index = 2});
    }
    expect_right(logits, kernels::cast(targets, DType::i32), {});
    if (shape[1] < 256) expect_right(logits, kernels::cast(targets, DType::u8), {.label_smoothing = 0.1});
  }
}

TEST(CrossEntropy, TakesPixelsInEveryLayout) {
  Generator generator(2);
  const Tensor x = randn({2, 5, 3, 30}, {}, generator);
  const Tensor targets = randint(0, 5, {2, 3, 30}, {.dtype = DType::i64}, generator);
  const Tensor rows = kernels::contiguous(views::permute(x, {0, 2, 3, 1}));
  const CrossEntropyOptions o{.reduction = Reduction::none, .label_smoothing = 0.2};
  const auto t = targets.to_vector<int64_t>();
  const Reference r(rows.to_vector<float>(), distribution(t, 5, o), 5);
  const Tensor strided = views::transpose(kernels::contiguous(views::transpose(x, 0, 3)), 0, 3);
  for (const Tensor& logits : {x, kernels::contiguous(x, MemoryFormat::channels_last), strided}) {
    const auto forward = kernels::cross_entropy(logits, targets, o);
    EXPECT_EQ(forward.loss.shape(), targets.shape());
    expect_near(forward.loss, r.losses, 1, 1e-5);
    const Tensor dx = kernels::cross_entropy_backward(ones(targets.shape()), logits, targets, forward, o);
    expect_near(views::permute(dx, {0, 2, 3, 1}), r.gradients, 1, 2e-6);
  }
}

TEST(CrossEntropy, TakesProbabilities) {
  Generator generator(3);
  const Tensor x = randn({2, 4, 3}, {}, generator), q = rand({2, 4, 3}, {}, generator);
  const Tensor weight = rand({4}, {}, generator);
  for (const double smoothing : {0.0, 0.3}) {
    const CrossEntropyOptions o{.label_smoothing = smoothing, .weight = weight};
    const auto w = weight.to_vector<float>(), flat = views::permute(q, {0, 2, 1}).to_vector<float>();
    std::vector<double> target(flat.size());
    for (size_t k = 0; k < flat.size(); ++k) target[k] = w[k % 4] * ((1 - smoothing) * flat[k] + smoothing / 4);
    const Reference r(views::permute(x, {0, 2, 1}).to_vector<float>(), target, 4);
    const auto forward = kernels::cross_entropy(x, q, o);
    EXPECT_NEAR(forward.loss.item(), r.sum() / 6, 1e-5);
    const Tensor dx = kernels::cross_entropy_backward(scalar(1), x, q, forward, o);
    expect_near(views::permute(dx, {0, 2, 1}), r.gradients, 1.0 / 6, 1e-6);
  }
}

TEST(CrossEntropy, KeepsTheLossOfBf16LogitsInF32) {
  Generator generator(4);
  const Tensor x = randn({6, 10}, {.dtype = DType::bf16}, generator);
  const Tensor targets = randint(0, 10, {6}, {.dtype = DType::i64}, generator);
  const auto forward = kernels::cross_entropy(x, targets, {});
  const auto exact = kernels::cross_entropy(kernels::cast(x, DType::f32), targets, {});
  EXPECT_EQ(forward.loss.item(), exact.loss.item());
  const Tensor dx = kernels::cross_entropy_backward(scalar(1), x, targets, forward, {});
  const Tensor wide = kernels::cross_entropy_backward(scalar(1), kernels::cast(x, DType::f32), targets, exact, {});
  EXPECT_EQ(dx.dtype(), DType::bf16);
  EXPECT_EQ(dx.to_vector<float>(), kernels::cast(wide, DType::bf16).to_vector<float>());
}

TEST(CrossEntropy, ExtremeLogits) {
  const Tensor x = from_values<float>({1e4f, -1e4f, 0, -1e30f, 1e30f, 0}, {2, 3});
  const Tensor targets = from_values<int64_t>({1, 1}, {2}, {.dtype = DType::i64});
  const auto forward = kernels::cross_entropy(x, targets, {.reduction = Reduction::none});
  EXPECT_EQ(forward.loss.to_vector<float>(), (std::vector<float>{2e4f, 0}));
  const Tensor dx = kernels::cross_entropy_backward(ones({2}), x, targets, forward, {.reduction = Reduction::none});
  EXPECT_EQ(dx.to_vector<float>(), (std::vector<float>{1, -1, 0, 0, 0, 0}));
}

TEST(CrossEntropy, UnbatchedEmptyAndAllIgnored) {
  const Tensor one = from_values<float>({0, std::log(3.0f)}, {2});
  const Tensor target = full({}, 1, {.dtype = DType::i64});
  EXPECT_NEAR(kernels::cross_entropy(one, target, {}).loss.item(), -std::log(0.75), 1e-6);
  const Tensor none = zeros({0}, {.dtype = DType::i64});
  EXPECT_TRUE(std::isnan(kernels::cross_entropy(zeros({0, 3}), none, {}).loss.item()));
  EXPECT_EQ(kernels::cross_entropy(zeros({0, 3}), none, {.reduction = Reduction::sum}).loss.item(), 0);
  const Tensor ignored = full({2}, -100, {.dtype = DType::i64});
  const auto forward = kernels::cross_entropy(zeros({2, 3}), ignored, {.reduction = Reduction::sum});
  EXPECT_EQ(forward.loss.item(), 0);
  EXPECT_TRUE(std::isnan(kernels::cross_entropy(zeros({2, 3}), ignored, {}).loss.item()));
}

TEST(CrossEntropy, RefusesWhatDoesNotFit) {
  const auto labels = [](std::vector<int64_t> v) {
    const auto n = static_cast<int64_t>(v.size());
    return from_values<int64_t>(v, {n}, {.dtype = DType::i64});
  };
  const Tensor x = zeros({2, 3});
  EXPECT_THROW(kernels::cross_entropy(x, labels({0, 3}), {}), ShapeError);
  EXPECT_THROW(kernels::cross_entropy(x, labels({-1, 0}), {}), ShapeError);
  EXPECT_THROW(kernels::cross_entropy(x, labels({0}), {}), ShapeError);
  EXPECT_THROW(kernels::cross_entropy(x, zeros({3, 2}), {}), ShapeError);
  EXPECT_THROW(kernels::cross_entropy(zeros({}), labels({0}), {}), ShapeError);
  EXPECT_THROW(kernels::cross_entropy(zeros({2, 0}), labels({0, 0}), {}), ShapeError);
  EXPECT_THROW(kernels::cross_entropy(x, labels({0, 1}), {.label_smoothing = 1.5}), ConfigError);
  EXPECT_THROW(kernels::cross_entropy(x, labels({0, 1}), {.weight = ones({2})}), ShapeError);
  EXPECT_THROW(kernels::cross_entropy(labels({0, 1}), full({}, 0, {.dtype = DType::i64}), {}), DTypeError);
  try {
    kernels::cross_entropy(x, labels({0, 7}), {});
  } catch (const ShapeError& e) {
    EXPECT_STREQ(e.what(), "cross_entropy: target 7 (element 1) is not one of the 3 classes");
  }
}

TEST(NllLoss, PicksTheTargets) {
  const Tensor x = from_values<float>({-1, -2, -3, -4, -5, -6}, {2, 3});
  const Tensor targets = from_values<int64_t>({2, 0}, {2}, {.dtype = DType::i64});
  const Tensor weight = from_values<float>({1, 2, 3}, {3});
  EXPECT_EQ(kernels::nll_loss(x, targets, {}).loss.item(), 3.5);
  const auto weighted = kernels::nll_loss(x, targets, {.weight = weight});
  EXPECT_EQ(weighted.loss.item(), (9 + 4) / 4.0);
  const Tensor dx = kernels::nll_loss_backward(scalar(1), x, targets, weighted, {.weight = weight});
  EXPECT_EQ(dx.to_vector<float>(), (std::vector<float>{0, 0, -0.75f, -0.25f, 0, 0}));
  EXPECT_EQ(kernels::nll_loss(x, targets, {.ignore_index = 2}).loss.item(), 4);
  const Tensor image = zeros({2, 3, 2, 2});
  EXPECT_THROW(kernels::nll_loss(image, targets, {}), ShapeError);
  EXPECT_THROW(kernels::nll_loss(x, x, {}), ShapeError);
}

TEST(PairLosses, AreTheirFormulas) {
  Generator generator(5);
  const Tensor x = rand({33, 101}, {}, generator), y = rand({33, 101}, {}, generator);
  const auto a = x.to_vector<float>(), b = y.to_vector<float>();
  double squares = 0, absolutes = 0, binary = 0, logits = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double p = a[i], q = b[i];
    squares += (p - q) * (p - q);
    absolutes += std::abs(p - q);
    binary -= q * std::max(std::log(p), -100.0) + (1 - q) * std::max(std::log1p(-p), -100.0);
    logits += (1 - q) * p + (1 + 2 * q) * std::log1p(std::exp(-p));
  }
  const auto n = static_cast<double>(a.size());
  const auto loss = [&](kernels::PairLoss kind, const Tensor& weight = {}, Reduction r = Reduction::mean) {
    return kernels::pair_loss(kind, x, y, weight, r);
  };
  EXPECT_NEAR(loss(kernels::PairLoss::mse).item(), squares / n, 1e-6);
  EXPECT_NEAR(loss(kernels::PairLoss::l1).item(), absolutes / n, 1e-6);
  EXPECT_NEAR(loss(kernels::PairLoss::binary_cross_entropy).item(), binary / n, 1e-6);
  EXPECT_NEAR(loss(kernels::PairLoss::binary_cross_entropy_with_logits, scalar(3)).item(), logits / n, 2e-6);
  EXPECT_NEAR(loss(kernels::PairLoss::mse, {}, Reduction::sum).item(), squares, 1e-3);
  const auto single = loss(kernels::PairLoss::l1, {}, Reduction::none).to_vector<float>();
  EXPECT_FLOAT_EQ(single[77], std::abs(a[77] - b[77]));
}

TEST(PairLosses, ExtremeLogitsStayExact) {
  const Tensor x = from_values<float>({100, -100, 0, 1e4f, -30}, {5}), y = from_values<float>({1, 1, 0, 0, 0}, {5});
  const auto kind = kernels::PairLoss::binary_cross_entropy_with_logits;
  const auto loss = kernels::pair_loss(kind, x, y, {}, Reduction::none).to_vector<float>();
  EXPECT_NEAR(loss[0], 0, 1e-30);
  EXPECT_EQ(loss[1], 100);
  EXPECT_FLOAT_EQ(loss[2], std::log(2.0f));
  EXPECT_EQ(loss[3], 1e4f);
  EXPECT_FLOAT_EQ(loss[4], std::exp(-30.0f));
  const Tensor dx = kernels::pair_loss_backward(kind, ones({5}), x, y, {}, Reduction::none);
  const auto d = dx.to_vector<float>();
  EXPECT_NEAR(d[0], 0, 1e-30);
  EXPECT_EQ(d[1], -1);
  EXPECT_EQ(d[3], 1);
}

TEST(PairLosses, LayoutsAndEmptiness) {
  Generator generator(6);
  const Tensor x = randn({2, 3, 4, 5}, {}, generator), y = randn({2, 3, 4, 5}, {}, generator);
  const Tensor channels_last = kernels::contiguous(x, MemoryFormat::channels_last);
  const auto mse = kernels::PairLoss::mse;
  EXPECT_FLOAT_EQ(static_cast<float>(kernels::pair_loss(mse, channels_last, y, {}, Reduction::mean).item()),
                  static_cast<float>(kernels::pair_loss(mse, x, y, {}, Reduction::mean).item()));
  const Tensor plain = kernels::pair_loss_backward(mse, x, x, y, {}, Reduction::none);
  const Tensor mixed = kernels::pair_loss_backward(mse, x, channels_last, y, {}, Reduction::none);
  EXPECT_EQ(plain.to_vector<float>(), mixed.to_vector<float>());
  EXPECT_TRUE(std::isnan(kernels::pair_loss(mse, zeros({0}), zeros({0}), {}, Reduction::mean).item()));
}

}  // namespace
}  // namespace gw
