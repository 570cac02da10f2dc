#include "nn/running_batchnorm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

/// The lesson's definition word for word, in double precision: with explicit debiasing.
struct Transcript {
  double eps, momentum;
  std::vector<double> sums, squares;
  double count = 0, debias = 0;
  int64_t items = 0;

  /// y of a batch [N, C, spatial], in its order.
  std::vector<double> train(const std::vector<double>& x, size_t samples, size_t channels) {
    const size_t spatial = x.size() / (samples * channels);
    const double m = 1 - (1 - momentum) / std::sqrt(std::max<double>(1, static_cast<double>(samples) - 1));
    const auto channel = [&](size_t i) { return i / spatial % channels; };
    std::vector<double> s(channels), q(channels);
    for (size_t i = 0; i < x.size(); ++i) {
      s[channel(i)] += x[i];
      q[channel(i)] += x[i] * x[i];
    }
    sums.resize(channels);
    squares.resize(channels);
    for (size_t c = 0; c < channels; ++c) {
      sums[c] = sums[c] * (1 - m) + s[c] * m;
      squares[c] = squares[c] * (1 - m) + q[c] * m;
    }
    count = count * (1 - m) + static_cast<double>(samples * spatial) * m;
    debias = debias * (1 - m) + m;
    items += static_cast<int64_t>(samples);
    return normalise(x, channel);
  }

  template <class Channel>
  std::vector<double> normalise(const std::vector<double>& x, const Channel& channel) const {
    std::vector<double> y;
    for (size_t i = 0; i < x.size(); ++i) {
      const double n = count / debias, mean = sums[channel(i)] / debias / n;
      double variance = squares[channel(i)] / debias / n - mean * mean;
      if (items <= 20) variance = std::max(variance, 0.01);
      y.push_back((x[i] - mean) / std::sqrt(variance + eps));
    }
    return y;
  }
};

TEST(RunningBatchNorm, IsTheLessonsDefinition) {
  for (const Shape& shape : {Shape{2, 3, 4, 5}, Shape{5, 2}, Shape{1, 2, 3}}) {
    SCOPED_TRACE(shape.to_string());
    RunningBatchNorm norm(shape[1], {.eps = 1e-3, .momentum = 0.2});
    Transcript expected{1e-3, 0.2, {}, {}};
    Generator g(1);
    Tensor x;
    for (int step = 0; step < 15; ++step) {
      // A small spread at first, so that the least variance shows, as long as few items were seen.
      x = randn(shape, {}, g) * (step < 12 ? 0.02 : 1) + 0.1;
      const auto y =
          expected.train(x.to_vector<double>(), static_cast<size_t>(shape[0]), static_cast<size_t>(shape[1]));
      expect_close(norm(x), y, 1e-3, 1e-3);
    }
    EXPECT_EQ(norm.items.item(), 15 * shape[0]);
    norm.eval();
    const Tensor sums = norm.sums.clone();
    norm(x);
    expect_close(norm.sums, sums, 0, 0);
  }
}

TEST(RunningBatchNorm, EqualBatchesAreWhitenedAtOnce) {
  RunningBatchNorm norm(3);
  Generator g(2);
  const Tensor x = randn({40, 3, 4, 4}, {}, g) * 3 + 2;
  const Tensor y = norm(x);
  expect_close(y.mean({0, 2, 3}), std::vector<double>(3), 0, 1e-4);
  expect_close(y.std({0, 2, 3}, 0), std::vector<double>(3, 1), 1e-3);
}

TEST(RunningBatchNorm, GradientsAgreeWithFiniteDifferences) {
  Generator g(3);
  const Tensor x = randn({4, 2, 3}, {}, g).set_requires_grad();
  const Tensor w = (rand({2}, {}, g) + 0.5).set_requires_grad(), b = randn({2}, {}, g).set_requires_grad();
  const Tensor before = randn({24, 2, 3}, {}, g) * 2;
  const auto f = [&](const std::vector<Tensor>& t) {
    RunningBatchNorm norm(2);
    norm(before);  // there is a past, through which nothing flows
    norm.weight = t[1];
    norm.bias = t[2];
    return norm(t[0]);
  };
  EXPECT_EQ(gradcheck(f, {x, w, b}), "");
}

TEST(RunningBatchNorm, TakesBf16AndEmptyBatchesAndRefusesOtherShapes) {
  RunningBatchNorm norm(3);
  EXPECT_EQ(norm(randn({4, 3, 2, 2}).to(DType::bf16)).dtype(), DType::bf16);
  EXPECT_EQ(norm(zeros({0, 3})).numel(), 0);
  EXPECT_EQ(norm.items.item(), 4);
  EXPECT_EQ(message_of<ShapeError>([&] { norm(ones({2, 4})); }), "RunningBatchNorm: expected [N, 3, ...], got [2, 4]");
}

TEST(RunningBatchNorm, TwoStepsInARowMayBothRunBackward) {
  RunningBatchNorm norm(2);
  Tensor x = randn({3, 2, 2, 2}).set_requires_grad();
  const Tensor y = norm(norm(x));
  EXPECT_NO_THROW(y.sum().backward());
  EXPECT_TRUE(x.grad().defined());
}

}  // namespace
}  // namespace gw
