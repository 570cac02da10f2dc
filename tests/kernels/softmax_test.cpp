#include "kernels/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// log-sum-exp of each line of x along `dim`, in double, repeated for every element of the line (row-major).
std::vector<double> reference(const Tensor& x, int64_t dim) {
  const auto values = x.to_vector<float>();
  const Shape strides = contiguous_strides(x.shape());
  const int64_t length = x.shape()[dim], inner = strides[dim];
  std::vector<double> out(values.size());
  for (int64_t line = 0; line < x.numel() / length; ++line) {
    const int64_t start = line / inner * length * inner + line % inner, end = start + length * inner;
    double max = -INFINITY, sum = 0;
    for (int64_t k = start; k < end; k += inner) max = std::max(max, double{values[static_cast<size_t>(k)]});
    for (int64_t k = start; k < end; k += inner) sum += std::exp(values[static_cast<size_t>(k)] - max);
    for (int64_t k = start; k < end; k += inner) out[static_cast<size_t>(k)] = max + std::log(sum);
  }
  return out;
}

void expect_right(const Tensor& x, int64_t dim, double tolerance) {
  const auto values = x.to_vector<float>();
  const auto expected = reference(x, dim);
  const auto probabilities = kernels::softmax(x, dim).to_vector<float>();
  const auto logs = kernels::log_softmax(x, dim).to_vector<float>();
  for (size_t k = 0; k < values.size(); ++k) {
    ASSERT_NEAR(probabilities[k], std::exp(values[k] - expected[k]), tolerance) << k;
    ASSERT_NEAR(logs[k], values[k] - expected[k], 10 * tolerance) << k;
  }
  const Tensor sums = kernels::logsumexp(x, dim);
  const Tensor repeated = kernels::contiguous(views::expand(sums, x.shape()));
  const auto got = repeated.to_vector<float>();
  for (size_t k = 0; k < values.size(); ++k) ASSERT_NEAR(got[k], expected[k], 10 * tolerance) << k;
}

TEST(Softmax, AgreesWithDoublesAlongEveryDimension) {
  Generator generator(1);
  for (const Shape& shape : {Shape{7, 10}, Shape{3, 5, 4, 6}, Shape{2, 3, 70}, Shape{1, 1}, Shape{4, 1, 3}, Shape{999}})
    for (int64_t dim = 0; dim < shape.size(); ++dim) expect_right(randn(shape, {}, generator), dim, 1e-6);
}

TEST(Softmax, TakesEveryLayout) {
  Generator generator(2);
  const Tensor x = randn({2, 5, 3, 4}, {}, generator);
  for (int64_t dim = 0; dim < 4; ++dim) {
    expect_right(kernels::contiguous(x, MemoryFormat::channels_last), dim, 1e-6);
    expect_right(views::transpose(x, 1, 3), dim, 1e-6);
    expect_right(views::slice(x, 1, 0, 5, 2), dim, 1e-6);
  }
  EXPECT_TRUE(kernels::softmax(kernels::contiguous(x, MemoryFormat::channels_last), 1)
                  .is_contiguous(MemoryFormat::channels_last));
}

TEST(Softmax, Bf16IsRoundedOnce) {
  Generator generator(3);
  const Tensor x = randn({9, 33}, {.dtype = DType::bf16}, generator);
  const Tensor y = kernels::softmax(x, 1);
  EXPECT_EQ(y.dtype(), DType::bf16);
  const Tensor exact = kernels::softmax(kernels::cast(x, DType::f32), 1);
  EXPECT_EQ(y.to_vector<float>(), kernels::cast(exact, DType::bf16).to_vector<float>());
}

TEST(Softmax, LongRowsKeepTheirDigits) {
  Generator generator(4);
  expect_right(randn({2, 50021}, {}, generator), 1, 1e-6);
}

TEST(Softmax, LongLinesKeepTheirDigitsHoweverTheyLie) {
  // Equal terms are the worst case of a sum that outgrows them: each addition is rounded the same way.
  constexpr int64_t kLength = 100'003;
  const Tensor columns = zeros({kLength, 2});
  views::select(columns, 0, 0).fill_(0.3);
  const double expected = 0.3 + std::log(1 + (kLength - 1) * std::exp(-0.3));
  for (const double v : kernels::logsumexp(columns, 0).to_vector<double>()) EXPECT_NEAR(v, expected, 2e-6);
  const Tensor rows = kernels::contiguous(views::transpose(columns, 0, 1));
  for (const double v : kernels::logsumexp(rows, 1).to_vector<double>()) EXPECT_NEAR(v, expected, 2e-6);
}

TEST(Softmax, ExtremeValuesStayFinite) {
  const Tensor x = from_values<float>({1e4f, -1e4f, 0, 3e38f, -3e38f, 0}, {2, 3});
  EXPECT_EQ(kernels::softmax(x, 1).to_vector<float>(), (std::vector<float>{1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(kernels::log_softmax(x, 1).to_vector<float>()[1], -2e4f);
  EXPECT_EQ(kernels::logsumexp(x, 1).to_vector<float>(), (std::vector<float>{1e4f, 3e38f}));
}

TEST(Softmax, InfinitiesFollowPyTorch) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = from_values<float>({-kInf, -kInf, kInf, 1, -kInf, 2, nan, kInf}, {4, 2});
  const auto y = kernels::softmax(x, 1).to_vector<float>();
  for (const size_t k : {0u, 1u, 2u, 3u, 6u, 7u}) EXPECT_TRUE(std::isnan(y[k])) << k;
  EXPECT_EQ(y[4], 0);
  EXPECT_EQ(y[5], 1);
  const auto sums = kernels::logsumexp(x, 1).to_vector<float>();
  EXPECT_EQ(sums[0], -kInf);
  EXPECT_EQ(sums[1], kInf);
  EXPECT_EQ(sums[2], 2);
  EXPECT_TRUE(std::isnan(sums[3]));
}

TEST(Softmax, EmptyTensors) {
  EXPECT_EQ(kernels::softmax(zeros({0, 4}), 1).numel(), 0);
  EXPECT_EQ(kernels::log_softmax(zeros({3, 0}), 1).numel(), 0);
  EXPECT_EQ(kernels::logsumexp(zeros({0, 4}), 1).shape(), (Shape{0, 1}));
  EXPECT_EQ(kernels::logsumexp(zeros({2, 0}), 1).to_vector<float>(), (std::vector<float>{-kInf, -kInf}));
  EXPECT_EQ(kernels::softmax(scalar(3), 0).item(), 1);
}

TEST(Softmax, RefusesIntegersAndWrongDimensions) {
  EXPECT_THROW(kernels::softmax(zeros({2}, {.dtype = DType::i64}), 0), DTypeError);
  EXPECT_THROW(kernels::log_softmax(zeros({2}), 1), ShapeError);
  EXPECT_THROW(kernels::logsumexp(zeros({2}), -2), ShapeError);
}

}  // namespace
}  // namespace gw
