// The functions of kernels/math/functions.h against the C library's in double precision.
#include "kernels/math/functions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "kernels/math/activation.h"

namespace gw {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

/// Calls `check` with numbers of every magnitude from 2^-40 up to `limit`, of both signs if `signs`.
void sweep(float limit, bool signs, const std::function<void(float)>& check) {
  for (float x = 0x1p-40f; x <= limit; x *= 1.0007f) {
    check(x);
    if (signs) check(-x);
  }
  check(0.0f);
}

TEST(Functions, ExpOfNegativeNumbers) {
  sweep(87.3f, false, [](float x) {
    const double exact = std::exp(-static_cast<double>(x));
    ASSERT_NEAR(math::exp_of_negative(-x), exact, 2.5e-7 * exact) << -x;
  });
  EXPECT_EQ(math::exp_of_negative(0.0f), 1.0f);
  EXPECT_EQ(math::exp_of_negative(-88.0f), 0.0f);
  EXPECT_EQ(math::exp_of_negative(-kInf), 0.0f);
  EXPECT_TRUE(std::isnan(math::exp_of_negative(kNan)));
}

TEST(Functions, SigmoidFromEndToEnd) {
  sweep(87.3f, true, [](float x) {
    const double exact = 1 / (1 + std::exp(-static_cast<double>(x)));
    ASSERT_NEAR(math::sigmoid(x), exact, 4e-7 * exact) << x;
  });
  EXPECT_EQ(math::sigmoid(kInf), 1.0f);
  EXPECT_EQ(math::sigmoid(-kInf), 0.0f);
  EXPECT_TRUE(std::isnan(math::sigmoid(kNan)));
}

TEST(Functions, TanhAndErfKeepTheirPrecisionNearZero) {
  sweep(20.0f, true, [](float x) {
    const double t = std::tanh(static_cast<double>(x)), e = std::erf(static_cast<double>(x));
    ASSERT_NEAR(math::tanh(x), t, 4e-7 * std::abs(t)) << x;
    ASSERT_NEAR(math::erf(x), e, 4e-7 * std::abs(e)) << x;
    ASSERT_LE(std::abs(math::erf(x)), 1.0f) << x;
  });
  EXPECT_EQ(math::tanh(kInf), 1.0f);
  EXPECT_EQ(math::tanh(-kInf), -1.0f);
  EXPECT_EQ(math::erf(kInf), 1.0f);
  EXPECT_EQ(math::erf(-kInf), -1.0f);
  EXPECT_TRUE(std::isnan(math::tanh(kNan)));
  EXPECT_TRUE(std::isnan(math::erf(kNan)));
}

TEST(Functions, SoftplusAndSiluAndMish) {
  sweep(80.0f, true, [](float x) {
    const double e = std::exp(static_cast<double>(x)), softplus = std::log1p(e);
    ASSERT_NEAR(math::softplus(x, 1.0f, 100.0f), softplus, 5e-7 * softplus) << x;
    ASSERT_NEAR(math::silu(x), x / (1 + 1 / e), 5e-7 * std::abs(x / (1 + 1 / e))) << x;
    const double mish = x * std::tanh(softplus);
    ASSERT_NEAR(math::mish(x), mish, 1e-6 * std::abs(mish)) << x;
  });
}

}  // namespace
}  // namespace gw
