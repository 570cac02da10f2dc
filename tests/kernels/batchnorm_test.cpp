#include "kernels/batchnorm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr GeneralReluOptions kLesson{.leak = 0.1f, .sub = 0.4f};
using Values = std::vector<double>;

/// Batch norm in double, element by element, of row-major values [n, channels, spatial].
struct Reference {
  size_t channels, spatial;
  Values mean, variance;

  Reference(const Values& x, const Shape& shape)
      : channels(static_cast<size_t>(shape[1])), mean(channels), variance(channels) {
    spatial = 1;
    for (int64_t d = 2; d < shape.size(); ++d) spatial *= static_cast<size_t>(shape[d]);
    const double count = static_cast<double>(x.size() / channels);
    for (size_t i = 0; i < x.size(); ++i) mean[channel(i)] += x[i] / count;
    for (size_t i = 0; i < x.size(); ++i) variance[channel(i)] += std::pow(x[i] - mean[channel(i)], 2) / count;
  }

  size_t channel(size_t i) const { return i / spatial % channels; }
  double invstd(size_t c) const { return 1 / std::sqrt(variance[c] + 1e-5); }

  Values normalised(const Values& x) const {
    Values out(x.size());
    for (size_t i = 0; i < x.size(); ++i) out[i] = (x[i] - mean[channel(i)]) * invstd(channel(i));
    return out;
  }
};

struct Problem {
  Shape shape;
  Tensor x, weight, bias, residual, dy;

  Problem(const Shape& s, DType dtype, uint64_t seed = 3) : shape(s) {
    Generator generator(seed);
    const Shape vector{s[1]};
    x = kernels::cast(kernels::add(randn(s, {}, generator), 0.7), dtype);
    weight = kernels::add(rand(vector, {}, generator), 0.5);
    bias = randn(vector, {}, generator);
    residual = kernels::cast(randn(s, {}, generator), dtype);
    dy = kernels::cast(randn(s, {}, generator), dtype);
  }
};

const std::vector<Shape> kShapes{{7, 3},        {33, 10},      {2, 1},        {5, 3, 7},
                                 {4, 1, 6, 5},  {3, 8, 9, 7},  {9, 10, 1, 1}, {2, 16, 5, 5},
                                 {2, 17, 3, 3}, {64, 5, 6, 7}, {1, 64, 2, 3}, {3, 100, 4, 1}};

struct Fusion {
  std::optional<GeneralReluOptions> act;
  bool residual;
};
const std::vector<Fusion> kFusions{{{}, false}, {kLesson, false}, {{}, true}, {kLesson, true}};

TEST(BatchNorm, TrainingForwardMatchesTheFormulaInDouble) {
  for (const Shape& shape : kShapes) {
    const Problem p(shape, DType::f32);
    const Values x = p.x.to_vector<double>(), r = p.residual.to_vector<double>(), w = p.weight.to_vector<double>(),
                 b = p.bias.to_vector<double>();
    const Reference ref(x, shape);
    const Values xhat = ref.normalised(x);
    for (const Fusion& f : kFusions) {
      Values expected(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        const size_t c = ref.channel(i);
        const double z = xhat[i] * w[c] + b[c] + (f.residual ? r[i] : 0);
        expected[i] = f.act ? (z > 0 ? z : 0.1 * z) - 0.4 : z;
      }
      const kernels::BatchNormResult result =
          kernels::batch_norm_forward(p.x, p.weight, p.bias, {}, {}, {}, f.act, f.residual ? p.residual : Tensor{});
      expect_close(result.y, expected, 1e-5, 5e-6);
      expect_close(result.mean, ref.mean, 1e-6, 1e-6);
      EXPECT_EQ(result.y.shape().to_string(), shape.to_string());
    }
  }
}

/// Gradients in double of the sum of y * dy, with the sign of z as the forward pass had it.
void expect_gradients(const Problem& p, const Fusion& f, bool training, double rtol, double atol) {
  const Tensor residual = f.residual ? p.residual : Tensor{};
  const Tensor running_mean = full({p.shape[1]}, 0.3), running_var = full({p.shape[1]}, 1.7);
  const BatchNormOptions options{.training = training};
  const auto forward = kernels::batch_norm_forward(p.x, p.weight, p.bias, training ? Tensor{} : running_mean,
                                                   training ? Tensor{} : running_var, options, f.act, residual);
  const kernels::BatchNormSaved saved{p.x, p.weight, p.bias, forward.mean, forward.invstd, forward.y};
  const auto grads = kernels::batch_norm_backward(p.dy, saved, training, true, f.act, f.residual);

  const Values x = p.x.to_vector<double>(), w = p.weight.to_vector<double>(), b = p.bias.to_vector<double>();
  const Values r = p.residual.to_vector<double>(), dy = p.dy.to_vector<double>();
  Reference ref(x, p.shape);
  if (!training) ref.mean.assign(ref.channels, 0.3), ref.variance.assign(ref.channels, 1.7);
  const Values xhat = ref.normalised(x);
  Values dz(x.size()), dx(x.size()), dw(ref.channels), db(ref.channels);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = ref.channel(i);
    const double z = xhat[i] * w[c] + b[c] + (f.residual ? r[i] : 0);
    dz[i] = dy[i] * (f.act && z <= 0 ? 0.1 : 1);
    db[c] += dz[i];
    dw[c] += dz[i] * xhat[i];
  }
  const double count = static_cast<double>(x.size() / ref.channels);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = ref.channel(i);
    const double centred = training ? dz[i] - db[c] / count - xhat[i] * dw[c] / count : dz[i];
    dx[i] = w[c] * ref.invstd(c) * centred;
  }
  expect_close(grads.dx, dx, rtol, atol);
  expect_close(grads.dweight, dw, rtol, atol * 20);
  expect_close(grads.dbias, db, rtol, atol * 20);
  EXPECT_EQ(grads.dresidual.defined(), f.residual);
  if (f.residual) expect_close(grads.dresidual, dz, rtol, atol);
}

TEST(BatchNorm, BackwardMatchesTheFormulaInDouble) {
  for (const Shape& shape : kShapes) {
    if (shape == Shape{2, 1}) continue;  // two values normalise to +-1: all digits cancel
    const Problem p(shape, DType::f32);
    for (const Fusion& f : kFusions)
      for (const bool training : {true, false}) expect_gradients(p, f, training, 1e-4, 1e-5);
  }
}

TEST(BatchNorm, Bf16MatchesTheFormulaToItsPrecision) {
  for (const Fusion& f : kFusions)
    for (const Shape& shape : {Shape{4, 8, 5, 5}, Shape{3, 10}, Shape{2, 17, 3, 3}})
      expect_gradients(Problem(shape, DType::bf16), f, true, 1.6e-2, 1.6e-2);
  const Problem p({4, 8, 5, 5}, DType::bf16);
  const auto result = kernels::batch_norm_forward(p.x, p.weight, p.bias, {}, {}, {}, kLesson);
  EXPECT_EQ(result.y.dtype(), DType::bf16);
  EXPECT_EQ(result.mean.dtype(), DType::f32);
  const auto exact = kernels::batch_norm_forward(kernels::cast(p.x, DType::f32), p.weight, p.bias, {}, {}, {}, kLesson);
  expect_close(result.y, exact.y, 4e-3, 2e-3);
  expect_close(result.mean, exact.mean, 1e-6, 1e-6);
}

TEST(BatchNorm, LayoutDoesNotChangeTheResult) {
  const Problem p({3, 8, 5, 7}, DType::f32);
  const Tensor last = kernels::contiguous(p.x, MemoryFormat::channels_last);
  const auto from_contiguous = kernels::batch_norm_forward(p.x, p.weight, p.bias, {}, {}, {}, kLesson, p.residual);
  const auto from_last = kernels::batch_norm_forward(last, p.weight, p.bias, {}, {}, {}, kLesson, p.residual);
  EXPECT_TRUE(from_last.y.is_contiguous(MemoryFormat::channels_last));
  expect_close(from_contiguous.y, from_last.y, 0, 0);

  const Tensor wide = views::slice(p.x, 3, 1, 7, 2), w2 = views::slice(kernels::add(p.weight, 0), 0, 0, 8, 1);
  const auto sliced = kernels::batch_norm_forward(wide, w2, p.bias, {}, {}, {});
  const auto copied = kernels::batch_norm_forward(kernels::contiguous(wide), w2, p.bias, {}, {}, {});
  expect_close(sliced.y, copied.y, 0, 0);
}

TEST(BatchNorm, KeepsTheDigitsOfALargeMean) {
  Generator generator(11);
  const Tensor x = kernels::add(kernels::mul(randn({64, 3, 16, 16}, {}, generator), 0.1), 1e4);
  const Reference ref(x.to_vector<double>(), x.shape());
  const auto result = kernels::batch_norm_forward(x, {}, {}, {}, {}, {});
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(result.mean.to_vector<double>()[c], ref.mean[c], 5e-4);  // half a unit in the last place of 1e4
    EXPECT_NEAR(result.invstd.to_vector<double>()[c] / ref.invstd(c), 1, 1e-5);
  }
  expect_close(result.y, ref.normalised(x.to_vector<double>()), 0, 6e-3);
}

// The first pixel of every image may be far from the rest, as in a data set with dark corners.
TEST(BatchNorm, AnOddFirstRowDoesNotSpoilTheVariance) {
  Generator generator(12);
  const Tensor x = kernels::add(kernels::mul(randn({40000, 2}, {}, generator), 0.01), 100);
  kernels::fill(views::select(x, 0, 0), 0);
  const Reference ref(x.to_vector<double>(), x.shape());
  const auto result = kernels::batch_norm_forward(x, {}, {}, {}, {}, {});
  for (size_t c = 0; c < 2; ++c) EXPECT_NEAR(result.invstd.to_vector<double>()[c] / ref.invstd(c), 1, 1e-5);
}

TEST(BatchNorm, TakesMomentsForThoseOfItsInput) {
  const Problem p({9, 5, 4, 4}, DType::f32);
  const Reference ref(p.x.to_vector<double>(), p.shape);
  const auto vector = [](const Values& values) {
    return from_values(std::vector<float>(values.begin(), values.end()), {5});
  };
  const Tensor mean = zeros({5}), variance = zeros({5}), given_mean = zeros({5}), given_variance = zeros({5});
  const auto result = kernels::batch_norm_forward(p.x, p.weight, p.bias, mean, variance, {}, kLesson, p.residual);
  const auto given = kernels::batch_norm_forward(p.x, p.weight, p.bias, given_mean, given_variance, {}, kLesson,
                                                 p.residual, {vector(ref.mean), vector(ref.variance)});
  expect_close(given.y, result.y, 1e-5, 1e-5);
  expect_close(given_mean, mean, 1e-6, 1e-6);
  expect_close(given_variance, variance, 1e-6, 1e-6);
  const BatchMoments other{vector({1, 2, 3, 4, 5}), ones({5})};
  EXPECT_EQ(kernels::batch_norm_forward(p.x, {}, {}, {}, {}, {}, {}, {}, other).mean.to_vector<float>(),
            other.mean.to_vector<float>());
  EXPECT_EQ(message_of<ShapeError>([&] {
              kernels::batch_norm_forward(p.x, {}, {}, {}, {}, {}, {}, {}, {zeros({4}), zeros({5})});
            }),
            "batch_norm: moments' mean has shape [4], expected [5], the input's channels");
  EXPECT_EQ(message_of<ConfigError>([&] {
              kernels::batch_norm_forward(p.x, {}, {}, {}, {}, {}, {}, {}, {zeros({5}), {}});
            }),
            "batch_norm: expected both of the moments' mean and variance or neither, got one");
}

TEST(BatchNorm, UpdatesRunningStatisticsInTrainingOnly) {
  const Problem p({5, 3, 4, 4}, DType::f32);
  const Reference ref(p.x.to_vector<double>(), p.shape);
  const Tensor mean = full({3}, 2), variance = full({3}, 5);
  const uint64_t version = mean.version();
  kernels::batch_norm_forward(p.x, {}, {}, mean, variance, {.training = true, .momentum = 0.3});
  Values expected_mean, expected_variance;
  for (size_t c = 0; c < 3; ++c) {
    expected_mean.push_back(0.7 * 2 + 0.3 * ref.mean[c]);
    expected_variance.push_back(0.7 * 5 + 0.3 * ref.variance[c] * 80 / 79);
  }
  expect_close(mean, expected_mean);
  expect_close(variance, expected_variance);
  EXPECT_GT(mean.version(), version);
  kernels::batch_norm_forward(p.x, {}, {}, mean, variance, {.training = false});
  expect_close(mean, expected_mean);
}

TEST(BatchNorm, InferenceUsesRunningStatistics) {
  const Tensor x = from_values<float>({1, 2, 3, 4, 5, 6}, {3, 2}), mean = tensor({1, 2}), variance = tensor({4, 0.25});
  const auto result =
      kernels::batch_norm_forward(x, tensor({2, 1}), tensor({0, 10}), mean, variance, {.training = false, .eps = 0});
  expect_close(result.y, {0, 10, 2, 14, 4, 18});
}

TEST(BatchNorm, RepeatsBitForBit) {
  const Problem p({37, 10, 28, 28}, DType::f32);
  const auto run = [&p] {
    const auto f = kernels::batch_norm_forward(p.x, p.weight, p.bias, {}, {}, {}, kLesson);
    const kernels::BatchNormSaved saved{p.x, p.weight, p.bias, f.mean, f.invstd, f.y};
    return kernels::batch_norm_backward(p.dy, saved, true, true, kLesson, false).dx;
  };
  const Tensor first = run();
  for (int i = 0; i < 3; ++i) expect_close(run(), first, 0, 0);
}

TEST(BatchNorm, TakesAnEmptyBatch) {
  const Tensor x = zeros({0, 3, 4, 4}), mean = full({3}, 2), variance = full({3}, 5);
  const auto f = kernels::batch_norm_forward(x, {}, {}, mean, variance, {}, kLesson, x);
  EXPECT_EQ(f.y.shape().to_string(), "[0, 3, 4, 4]");
  expect_close(mean, {2, 2, 2});
  const auto grads = kernels::batch_norm_backward(x, {x, {}, {}, f.mean, f.invstd, f.y}, true, true, kLesson, true);
  expect_close(grads.dweight, {0, 0, 0});
  EXPECT_EQ(grads.dx.numel(), 0);
}

TEST(BatchNorm, SkipsTheInputGradientWhenNobodyWantsIt) {
  const Problem p({5, 3}, DType::f32);
  const auto f = kernels::batch_norm_forward(p.x, p.weight, p.bias, {}, {}, {});
  const auto grads =
      kernels::batch_norm_backward(p.dy, {p.x, p.weight, p.bias, f.mean, f.invstd, {}}, true, false, {}, false);
  EXPECT_FALSE(grads.dx.defined());
  EXPECT_TRUE(grads.dweight.defined());
}

TEST(BatchNorm, NamesWhatDoesNotFit) {
  const auto forward = [](const Tensor& x, const Tensor& weight = {}, const Tensor& residual = {},
                          BatchNormOptions o = {}) {
    kernels::batch_norm_forward(x, weight, {}, {}, {}, o, {}, residual);
  };
  EXPECT_EQ(message_of<ShapeError>([&] {
              forward(zeros({1, 3}));
            }),
            "batch_norm: expected more than 1 value per channel when training, got input size [1, 3]");
  EXPECT_EQ(message_of<ShapeError>([&] { forward(zeros({3})); }),
            "batch_norm: expected [N, C], [N, C, L] or [N, C, H, W], got [3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              forward(zeros({2, 3}), zeros({4}));
            }),
            "batch_norm: weight has shape [4], expected [3], the input's channels");
  EXPECT_EQ(message_of<ShapeError>([&] {
              forward(zeros({2, 3}), {}, zeros({2, 4}));
            }),
            "batch_norm: residual has shape [2, 4], expected [2, 3], the input's");
  EXPECT_EQ(message_of<DTypeError>([&] {
              forward(zeros({2, 3}), zeros({3}, {.dtype = DType::bf16}));
            }),
            "batch_norm: weight is bf16, expected f32");
  EXPECT_EQ(message_of<DTypeError>([&] {
              forward(zeros({2, 3}, {.dtype = DType::i64}));
            }),
            "batch_norm: expected f32 or bf16, got i64");
  EXPECT_EQ(message_of<ConfigError>([&] {
              forward(zeros({2, 3}), {}, {}, {.training = false});
            }),
            "batch_norm: inference needs running statistics, got none");
}

}  // namespace
}  // namespace gw
