#include "kernels/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/math/functions.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw {
namespace {

using kernels::Binary;
using kernels::Unary;
using Floats = std::vector<float>;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

/// Distance in units in the last place of the exact result.
double ulps(float got, double exact) {
  const float rounded = static_cast<float>(exact);
  if (got == rounded) return 0;
  const double unit = std::nextafter(std::fabs(rounded), kInf) - std::fabs(rounded);
  return std::fabs(got - exact) / unit;
}

TEST(MathFunctions, StayWithinThreeUnits) {
  double worst_exp = 0, worst_log = 0, worst_tanh = 0, worst_sigmoid = 0;
  for (int i = 0; i <= 200000; ++i) {
    const float x = -87.0f + 175.0f * static_cast<float>(i) / 200000.0f;
    worst_exp = std::max(worst_exp, ulps(math::exp(x), std::exp(static_cast<double>(x))));
    const float p = std::exp(x * 0.9f);
    worst_log = std::max(worst_log, ulps(math::log(p), std::log(static_cast<double>(p))));
    const float t = x / 10;
    worst_tanh = std::max(worst_tanh, ulps(math::tanh(t), std::tanh(static_cast<double>(t))));
    worst_sigmoid = std::max(worst_sigmoid, ulps(math::sigmoid(t), 1 / (1 + std::exp(-static_cast<double>(t)))));
  }
  EXPECT_LE(worst_exp, 3);
  EXPECT_LE(worst_log, 3);
  EXPECT_LE(worst_tanh, 3);
  EXPECT_LE(worst_sigmoid, 4);
}

TEST(MathFunctions, ExtremeValues) {
  EXPECT_EQ(math::exp(-kInf), 0.0f);
  EXPECT_EQ(math::exp(kInf), kInf);
  EXPECT_EQ(math::exp(100.0f), kInf);
  EXPECT_TRUE(std::isnan(math::exp(kNan)));
  EXPECT_EQ(math::exp(0.0f), 1.0f);
  EXPECT_EQ(math::log(0.0f), -kInf);
  EXPECT_EQ(math::log(kInf), kInf);
  EXPECT_EQ(math::log(1.0f), 0.0f);
  EXPECT_TRUE(std::isnan(math::log(-1.0f)));
  EXPECT_TRUE(std::isnan(math::log(kNan)));
  EXPECT_NEAR(math::log(1e-40f), std::log(1e-40), 1e-4);
  EXPECT_EQ(math::tanh(kInf), 1.0f);
  EXPECT_EQ(math::tanh(-100.0f), -1.0f);
  EXPECT_TRUE(std::isnan(math::tanh(kNan)));
  EXPECT_EQ(math::sigmoid(-kInf), 0.0f);
  EXPECT_EQ(math::sigmoid(kInf), 1.0f);
}

TEST(Elementwise, BroadcastsBothWays) {
  const Tensor column = tensor({10, 20}).unsqueeze(1), row = tensor({1, 2, 3});
  EXPECT_EQ(kernels::add(column, row).to_vector<float>(), (Floats{11, 12, 13, 21, 22, 23}));
  EXPECT_EQ(kernels::sub(row, column).to_vector<float>(), (Floats{-9, -8, -7, -19, -18, -17}));
  EXPECT_EQ(kernels::add(column, row, 2).to_vector<float>(), (Floats{12, 14, 16, 22, 24, 26}));
  EXPECT_THROW(kernels::mul(zeros({2}), zeros({3})), ShapeError);
  EXPECT_EQ(kernels::mul(zeros({0, 3}), row).shape(), (Shape{0, 3}));
}

TEST(Elementwise, LongRowsAgreeWithShortOnes) {
  // Past the sizes at which loops are split over threads and vectors.
  for (const int64_t n : {1, 31, 32, 33, 255, 257, 100003}) {
    const Tensor x = arange(0, static_cast<double>(n)), y = kernels::add(kernels::mul(x, 2), x);
    const Floats got = y.to_vector<float>();
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(got[static_cast<size_t>(i)], 3.0f * static_cast<float>(i));
  }
}

TEST(Elementwise, StreamedResultsAreWhole) {
  // Beyond the size at which stores go past the caches, from an address that is not aligned to vectors.
  const int64_t n = (int64_t{64} << 18) + 1237;
  const Tensor x = arange(0, static_cast<double>(n + 1)).slice(0, 1, n + 1);
  const Tensor y = kernels::add(x, x), z = kernels::unary(Unary::neg, x);
  for (int64_t i = 0; i < n; i += 997) {
    ASSERT_EQ(y.data<float>()[i], 2.0f * static_cast<float>(i + 1));
    ASSERT_EQ(z.data<float>()[i], -static_cast<float>(i + 1));
  }
  EXPECT_EQ(y.data<float>()[n - 1], 2.0f * static_cast<float>(n));
  Tensor target = zeros({n + 3});
  target.slice(0, 3, n + 3).copy_(x);
  EXPECT_EQ(target.data<float>()[2], 0.0f);
  EXPECT_EQ(target.data<float>()[3], 1.0f);
  EXPECT_EQ(target.data<float>()[n + 2], static_cast<float>(n));
}

TEST(Elementwise, StridedOperands) {
  const Tensor x = arange(0, 60000).reshape({200, 300});
  const Tensor sum = kernels::add(x.t(), x.t());
  EXPECT_EQ(sum.strides(), x.t().strides());
  EXPECT_EQ(sum.select(0, 7).to_vector<float>(), kernels::mul(x.select(1, 7), 2).to_vector<float>());
  const Tensor mixed = kernels::add(x.slice(0, 0, 200, 2).slice(1, 0, 300, 3), x.slice(0, 100, 200).slice(1, 0, 100));
  EXPECT_EQ(mixed.select(0, 3).select(0, 5).item(), (6 * 300 + 15) + (103 * 300 + 5));
}

TEST(Elementwise, KeepsChannelsLast) {
  const Tensor x = kernels::contiguous(arange(0, 24).reshape({2, 3, 2, 2}), MemoryFormat::channels_last);
  EXPECT_TRUE(kernels::unary(Unary::neg, x).is_contiguous(MemoryFormat::channels_last));
  const Tensor bias = tensor({100, 200, 300}).reshape({1, 3, 1, 1});
  const Tensor y = kernels::add(x, bias);
  EXPECT_TRUE(y.is_contiguous(MemoryFormat::channels_last));
  EXPECT_EQ(y.select(0, 1).select(0, 2).to_vector<float>(), (Floats{320, 321, 322, 323}));
}

TEST(Elementwise, IntegersStayIntegers) {
  const Tensor a = from_values<int64_t>({5, -7}, {2}, {.dtype = DType::i64});
  EXPECT_EQ(kernels::mul(a, a).to_vector<int64_t>(), (std::vector<int64_t>{25, 49}));
  EXPECT_EQ(kernels::add(a, 3.0).dtype(), DType::i64);
  EXPECT_EQ(kernels::mul(a, 0.5).dtype(), DType::f32);
  EXPECT_THROW(kernels::div(a, a), DTypeError);
  EXPECT_THROW(kernels::unary(Unary::exp, a), DTypeError);
  const Tensor big = from_values<int64_t>({(int64_t{1} << 53) + 1}, {1}, {.dtype = DType::i64});
  EXPECT_EQ(kernels::add(big, 1.0).data<int64_t>()[0], (int64_t{1} << 53) + 2);
}

TEST(Elementwise, Bf16ComputesInF32) {
  const Tensor a = tensor({1, 256}).to(DType::bf16), b = tensor({1.0f / 256, 1}).to(DType::bf16);
  const Tensor sum = kernels::add(a, b);
  EXPECT_EQ(sum.dtype(), DType::bf16);
  EXPECT_EQ(sum.to_vector<float>(), (Floats{1, 256}));  // 1 + 2^-8 and 257 round to even
  EXPECT_EQ(kernels::add(a, tensor({1.0f / 256, 1})).dtype(), DType::f32);
}

TEST(Elementwise, ComparisonsAndNan) {
  const Tensor a = tensor({1, 2, kNan}), b = tensor({2, 2, 1});
  using Bytes = std::vector<uint8_t>;
  EXPECT_EQ(kernels::binary(Binary::lt, a, b).to_vector<uint8_t>(), (Bytes{1, 0, 0}));
  EXPECT_EQ(kernels::binary(Binary::eq, a, b).to_vector<uint8_t>(), (Bytes{0, 1, 0}));
  EXPECT_EQ(kernels::binary(Binary::ne, a, a).to_vector<uint8_t>(), (Bytes{0, 0, 1}));
  EXPECT_EQ(kernels::binary(Binary::lt, 1.5, b).to_vector<uint8_t>(), (Bytes{1, 1, 0}));
  EXPECT_TRUE(std::isnan(kernels::binary(Binary::maximum, a, b).to_vector<float>()[2]));
  EXPECT_TRUE(std::isnan(kernels::binary(Binary::maximum, b, a).to_vector<float>()[2]));
  EXPECT_TRUE(std::isnan(kernels::clamp(a, 0, 1).to_vector<float>()[2]));
  EXPECT_TRUE(std::isnan(kernels::unary(Unary::relu, a).to_vector<float>()[2]));
}

TEST(Elementwise, WhereAndClamp) {
  const Tensor c = from_values<uint8_t>({1, 0}, {2, 1}, {.dtype = DType::u8});
  EXPECT_EQ(kernels::where(c, tensor({1, 2}), scalar(-1)).to_vector<float>(), (Floats{1, 2, -1, -1}));
  EXPECT_EQ(kernels::clamp(tensor({-2, 0.5f, 2}), -1, {}).to_vector<float>(), (Floats{-1, 0.5f, 2}));
  EXPECT_EQ(kernels::clamp(tensor({-2, 0.5f, 2}), {}, 1).to_vector<float>(), (Floats{-2, 0.5f, 1}));
  const Tensor bytes = from_values<uint8_t>({0, 100, 255}, {3}, {.dtype = DType::u8});
  EXPECT_EQ(kernels::clamp(bytes, -5, 200).to_vector<int32_t>(), (std::vector<int32_t>{0, 100, 200}));
}

TEST(Elementwise, InPlaceChecksItsShapes) {
  const Tensor x = zeros({2, 3});
  kernels::add_(x, tensor({1, 2, 3}), 2);
  EXPECT_EQ(x.to_vector<float>(), (Floats{2, 4, 6, 2, 4, 6}));
  EXPECT_THROW(kernels::add_(zeros({3}), x), ShapeError);
  const uint64_t before = x.version();
  kernels::binary_(Binary::mul, x, 2.0);
  EXPECT_GT(x.version(), before);
}

}  // namespace
}  // namespace gw
