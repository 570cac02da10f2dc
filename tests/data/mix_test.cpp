#include "data/mix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(Beta, HasItsMeanAndVariance) {
  for (const double alpha : {0.1, 0.4, 1.0, 2.5, 50.0}) {
    Generator generator(1);
    constexpr int kDraws = 20000;
    double sum = 0, squares = 0, low = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = draw_beta(alpha, generator);
      ASSERT_TRUE(x >= 0 && x <= 1) << x;
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
      low += x < 0.25;
    }
    const double variance = 1 / (4 * (2 * alpha + 1)), error = 4 / std::sqrt(kDraws);
    EXPECT_NEAR(sum / kDraws, 0.5, error * std::sqrt(variance)) << alpha;
    EXPECT_NEAR(squares / kDraws, variance, 0.03 * variance) << alpha;
    if (alpha == 1.0) {
      EXPECT_NEAR(low / kDraws, 0.25, 0.5 * error);  // uniform
    }
  }
}

TEST(Beta, ExtremeAlphas) {
  Generator generator(2);
  int sides[2] = {};
  for (int i = 0; i < 100; ++i) {
    const double x = draw_beta(1e-12, generator);
    ASSERT_TRUE(x < 1e-6 || x > 1 - 1e-6) << x;
    ++sides[x > 0.5];
    EXPECT_NEAR(draw_beta(1e12, generator), 0.5, 1e-4);
  }
  EXPECT_GT(sides[0], 20);
  EXPECT_GT(sides[1], 20);
  for (const double alpha : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW(draw_beta(alpha, generator), ConfigError) << alpha;
}

TEST(DrawMix, MixupIsTheWholeImage) {
  Generator generator(3);
  for (int i = 0; i < 50; ++i) {
    const ImageMix mix = draw_mix({.mixup = 0.4}, 6, 5, 7, generator);
    EXPECT_EQ(mix.top + mix.left, 0);
    EXPECT_EQ(mix.bottom, 5);
    EXPECT_EQ(mix.right, 7);
    EXPECT_FLOAT_EQ(kept_share(mix, 5, 7), mix.keep);
    EXPECT_GE(mix.shift, 1);
    EXPECT_LT(mix.shift, 6);
  }
}

TEST(DrawMix, CutmixPastesAsMuchAsItSays) {
  Generator generator(4);
  double share = 0;
  for (int i = 0; i < 2000; ++i) {
    const ImageMix mix = draw_mix({.cutmix = 1.0}, 3, 40, 30, generator);
    EXPECT_EQ(mix.keep, 0);
    ASSERT_TRUE(mix.top >= 0 && mix.top <= mix.bottom && mix.bottom <= 40);
    ASSERT_TRUE(mix.left >= 0 && mix.left <= mix.right && mix.right <= 30);
    share += kept_share(mix, 40, 30);
  }
  // lam is 1/2 on average; what is cut off at the edges makes it more.
  EXPECT_NEAR(share / 2000, 0.70, 0.02);
  const ImageMix all = draw_cut(0, 8, 8, generator);
  EXPECT_GE((all.bottom - all.top) * (all.right - all.left), 16);
  const ImageMix nothing = draw_cut(1, 8, 8, generator);
  EXPECT_EQ(kept_share(nothing, 8, 8), 1);
}

TEST(DrawMix, BothTakeTurnsAndTheSeedRepeatsThem) {
  Generator generator(5), again(5);
  int cuts = 0;
  for (int i = 0; i < 200; ++i) {
    const MixOptions both{.mixup = 0.4, .cutmix = 1.0};
    const ImageMix a = draw_mix(both, 16, 8, 8, generator), b = draw_mix(both, 16, 8, 8, again);
    cuts += a.keep == 0;
    EXPECT_EQ(a.keep, b.keep);
    EXPECT_EQ(a.shift, b.shift);
    EXPECT_EQ(a.top, b.top);
  }
  EXPECT_NEAR(cuts, 100, 30);
}

TEST(DrawMix, SingleImagesAndNothingWanted) {
  Generator generator(6);
  EXPECT_EQ(draw_mix({.mixup = 1.0}, 1, 4, 4, generator).shift, 0);
  EXPECT_EQ(draw_mix({.cutmix = 1.0}, 1, 4, 4, generator).shift, 0);
  EXPECT_EQ(draw_mix({}, 4, 4, 4, generator).keep, 1);
  EXPECT_EQ(message_of<ConfigError>([&] { draw_mix({.mixup = -1.0}, 2, 4, 4, generator); }),
            "mixup: expected an alpha above 0, got -1");
  EXPECT_EQ(message_of<ConfigError>([] { check(MixOptions{.cutmix = 0.0}); }),
            "cutmix: expected an alpha above 0, got 0");
}

}  // namespace
}  // namespace gw
