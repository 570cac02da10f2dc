#include "kernels/groupnorm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

struct Case {
  Shape shape;
  int64_t groups;
};

/// Single numbers, odd sizes, more channels than a vector register has lanes, lines beyond one piece, one sample, and
/// more samples than threads.
const std::vector<Case> kCases{{{2, 1}, 1},         {{3, 6}, 3},         {{5, 33}, 1},       {{2, 9000}, 1},
                               {{70, 8}, 2},        {{2, 4, 7}, 2},      {{1, 3, 5, 5}, 1},  {{1, 64, 9, 7}, 8},
                               {{9, 12, 3, 5}, 12}, {{5, 300, 2, 3}, 3}, {{67, 4, 2, 2}, 2}, {{1, 2, 61, 67}, 1}};

struct Problem {
  Tensor x, dy, weight, bias;

  Problem(const Case& c, DType dtype) {
    Generator generator(3);
    x = kernels::cast(kernels::add(randn(c.shape, {}, generator), 3), dtype);
    dy = kernels::cast(randn(c.shape, {}, generator), dtype);
    weight = kernels::add(rand({c.shape[1]}, {}, generator), 0.5);
    bias = randn({c.shape[1]}, {}, generator);
  }
};

struct Expected {
  std::vector<double> y, mean, invstd, dx, dweight, dbias;
};

/// The definition, in double precision, of contiguous tensors.
Expected definition(const Problem& p, int64_t groups, double eps) {
  const auto x = p.x.to_vector<double>(), dy = p.dy.to_vector<double>();
  const auto w = p.weight.to_vector<double>(), b = p.bias.to_vector<double>();
  const auto samples = static_cast<size_t>(p.x.size(0)), channels = w.size(), width = channels / groups;
  const size_t spatial = x.size() / (samples * channels), count = width * spatial;
  Expected e{std::vector<double>(x.size()), {}, {}, std::vector<double>(x.size()), std::vector<double>(channels),
             std::vector<double>(channels)};
  for (size_t start = 0; start < x.size(); start += count) {
    const auto channel = [&](size_t i) { return (start + i) / spatial % channels; };
    double mean = 0, variance = 0, sum = 0, product = 0;
    for (size_t i = 0; i < count; ++i) mean += x[start + i] / static_cast<double>(count);
    for (size_t i = 0; i < count; ++i) variance += std::pow(x[start + i] - mean, 2) / static_cast<double>(count);
    const double invstd = 1 / std::sqrt(variance + eps);
    const auto xhat = [&](size_t i) { return (x[start + i] - mean) * invstd; };
    for (size_t i = 0; i < count; ++i) {
      const size_t c = channel(i);
      e.y[start + i] = xhat(i) * w[c] + b[c];
      e.dweight[c] += dy[start + i] * xhat(i);
      e.dbias[c] += dy[start + i];
      sum += dy[start + i] * w[c] / static_cast<double>(count);
      product += dy[start + i] * w[c] * xhat(i) / static_cast<double>(count);
    }
    for (size_t i = 0; i < count; ++i)
      e.dx[start + i] = invstd * (dy[start + i] * w[channel(i)] - sum - xhat(i) * product);
    e.mean.push_back(mean);
    e.invstd.push_back(invstd);
  }
  return e;
}

TEST(GroupNormKernels, AreTheDefinition) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const Case& c : kCases) {
      SCOPED_TRACE(c.shape.to_string() + " " + std::to_string(c.groups) + " " + std::string(name_of(dtype)));
      const Problem p(c, dtype);
      const Expected e = definition(p, c.groups, 1e-3);
      const auto f = kernels::group_norm_forward(p.x, c.groups, p.weight, p.bias, 1e-3);
      const auto b = kernels::group_norm_backward(p.dy, {p.x, p.weight, f.mean, f.invstd}, true, true);
      const double rtol = dtype == DType::f32 ? 1e-5 : 1e-2, atol = dtype == DType::f32 ? 2e-5 : 2e-2;
      EXPECT_EQ(f.y.dtype(), dtype);
      expect_close(f.mean, e.mean, 1e-5, 1e-5);
      expect_close(f.invstd, e.invstd, 1e-4, 1e-5);
      expect_close(f.y, e.y, rtol, atol);
      expect_close(b.dx, e.dx, rtol, atol * (1 + e.invstd[0]));
      expect_close(b.dweight, e.dweight, 1e-4, 1e-4);
      expect_close(b.dbias, e.dbias, 1e-4, 1e-4);
    }
}

TEST(GroupNormKernels, LayoutsDoNotMatter) {
  const Problem p({{3, 6, 4, 5}, 2}, DType::f32);
  const auto expected = kernels::group_norm_forward(p.x, 2, p.weight, p.bias, 1e-5);
  const Tensor last = p.x.contiguous(MemoryFormat::channels_last), gappy = kernels::add(zeros({3, 6, 4, 10}), 0);
  const Tensor view = gappy.slice(3, 0, 10, 2);
  kernels::copy(view, p.x);
  for (const Tensor& x : {last, view}) {
    const auto found = kernels::group_norm_forward(x, 2, p.weight, p.bias, 1e-5);
    expect_close(found.y, expected.y, 1e-6, 1e-6);
    EXPECT_TRUE(found.y.permute({0, 2, 3, 1}).is_contiguous());
  }
  const auto g = kernels::group_norm_backward(p.dy, {p.x, p.weight, expected.mean, expected.invstd}, true, true);
  const auto h = kernels::group_norm_backward(p.dy.contiguous(MemoryFormat::channels_last),
                                              {view, p.weight, expected.mean, expected.invstd}, true, true);
  expect_close(h.dx, g.dx, 1e-6, 1e-6);
  expect_close(h.dweight, g.dweight, 1e-6, 1e-6);
}

TEST(GroupNormKernels, LargeMeansDoNotCancel) {
  for (const Shape& shape : {Shape{2, 4, 32, 32}, Shape{2, 4096}}) {
    Generator generator(3);
    const Tensor x = kernels::add(randn(shape, {}, generator), 1000);
    const auto f = kernels::group_norm_forward(x, 2, {}, {}, 0);
    for (const double invstd : f.invstd.to_vector<double>()) EXPECT_NEAR(invstd, 1, 0.06);
    EXPECT_NEAR(kernels::cast(f.y, DType::f32).var().item(), 1, 1e-3);
  }
}

TEST(GroupNormKernels, EmptyTensors) {
  for (const Shape& shape : {Shape{0, 4, 3, 3}, Shape{2, 4, 0, 3}}) {
    const Tensor x = zeros(shape), weight = ones({4});
    const auto f = kernels::group_norm_forward(x, 2, weight, weight, 1e-5);
    EXPECT_EQ(f.y.shape(), shape);
    const auto b = kernels::group_norm_backward(x, {x, weight, f.mean, f.invstd}, true, true);
    EXPECT_EQ(b.dx.shape(), shape);
    expect_close(b.dweight, std::vector<double>(4));
  }
}

}  // namespace
}  // namespace gw
