#include "kernels/random.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/math/philox.h"
#include "tensor/creation.h"

namespace gw {
namespace {

struct KnownAnswer {
  math::PhiloxBlock counter;
  uint32_t k0, k1;
  math::PhiloxBlock expected;
};

TEST(Philox, GivesThePublishedKnownAnswers) {
  const KnownAnswer answers[] = {{{0, 0, 0, 0}, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                                 {{~0u, ~0u, ~0u, ~0u}, ~0u, ~0u, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                                 {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                                  0xa4093822,
                                  0x299f31d0,
                                  {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (const KnownAnswer& a : answers) {
    const math::PhiloxBlock got = math::philox(a.counter, a.k0, a.k1);
    EXPECT_EQ(got.w0, a.expected.w0);
    EXPECT_EQ(got.w1, a.expected.w1);
    EXPECT_EQ(got.w2, a.expected.w2);
    EXPECT_EQ(got.w3, a.expected.w3);
  }
}

TEST(Philox, NormalPairsFollowBoxMuller) {
  for (uint32_t i = 0; i < 100000; ++i) {
    const math::PhiloxBlock b = math::philox(7, i);
    const double u = static_cast<float>(b.w0 >> 1) * 0x1p-31f + 0x1p-32f, angle = 2 * M_PI * (b.w1 >> 8) * 0x1p-24;
    const double radius = std::sqrt(-2 * std::log(u));
    const math::NormalPair z = math::normal_pair(b.w0, b.w1);
    ASSERT_NEAR(z.first, radius * std::cos(angle), 2e-6);
    ASSERT_NEAR(z.second, radius * std::sin(angle), 2e-6);
  }
  for (const uint32_t word : {0u, 1u, 0x7fffffffu, 0x80000000u, ~0u}) {
    const math::NormalPair z = math::normal_pair(word, ~word);
    EXPECT_TRUE(std::isfinite(z.first) && std::isfinite(z.second)) << word;
  }
}

TEST(Philox, UniformIntegerIsTheUpperHalfOfTheProduct) {
  EXPECT_EQ(math::uniform_integer(~0u, ~0u, 10), 9u);
  EXPECT_EQ(math::uniform_integer(0, ~0u, 10), 0u);
  EXPECT_EQ(math::uniform_integer(0x80000000u, 0, 10), 5u);
  EXPECT_EQ(math::uniform_integer(~0u, ~0u, ~uint64_t{0}), ~uint64_t{0} - 1);
  EXPECT_EQ(math::uniform_integer(0x12345678u, 0x9abcdef0u, 0xfedcba9876543210u), 0x121fa00ad77d7422u);
}

TEST(Random, UniformHasTheRightMomentsAndStaysInRange) {
  Generator generator(3);
  const auto values = rand({100001}, {}, generator).to_vector<float>();
  double sum = 0, squares = 0;
  for (const float v : values) {
    ASSERT_GE(v, 0.0f);
    ASSERT_LT(v, 1.0f);
    sum += v, squares += double{v} * v;
  }
  const double n = static_cast<double>(values.size()), mean = sum / n;
  EXPECT_NEAR(mean, 0.5, 0.005);
  EXPECT_NEAR(squares / n - mean * mean, 1.0 / 12, 0.002);
}

TEST(Random, UniformInBf16NeverReachesOne) {
  Generator generator(3);
  const auto values = rand({20000}, {.dtype = DType::bf16}, generator).to_vector<float>();
  EXPECT_EQ(*std::max_element(values.begin(), values.end()), 255.0f / 256);
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), 0.0f);
}

TEST(Random, NormalHasTheRightMoments) {
  Generator generator(4);
  const auto values = randn({200001}, {}, generator).to_vector<float>();
  double sum = 0, squares = 0, fourths = 0;
  for (const double v : values) sum += v, squares += v * v, fourths += v * v * v * v;
  const double n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, 0, 0.01);
  EXPECT_NEAR(squares / n, 1, 0.01);
  EXPECT_NEAR(fourths / n, 3, 0.1);
}

TEST(Random, ElementsDependOnlyOnSeedAndPlace) {
  Generator one(5), two(5);
  omp_set_num_threads(1);
  const auto serial = randn({100003}, {}, one).to_vector<float>();
  omp_set_num_threads(3);
  const auto parallel = randn({100003}, {}, two).to_vector<float>();
  omp_set_num_threads(omp_get_num_procs());
  EXPECT_EQ(serial, parallel);
  Generator three(5);
  const auto start = rand({7}, {}, three).to_vector<float>();
  const math::PhiloxBlock first = math::philox(5, 0), second = math::philox(5, 1);
  EXPECT_EQ(start[0], math::uniform(first.w0));
  EXPECT_EQ(start[3], math::uniform(first.w3));
  EXPECT_EQ(start[6], math::uniform(second.w2));
}

TEST(Random, TheStateContinuesTheStream) {
  Generator generator(6);
  rand({5}, {}, generator);
  const PhiloxState state = generator.state();
  EXPECT_EQ(state.offset, 2u);
  const auto expected = randn({9}, {}, generator).to_vector<float>();
  Generator other;
  other.set_state(state);
  EXPECT_EQ(randn({9}, {}, other).to_vector<float>(), expected);
}

TEST(Random, FillsStridedTensorsInRowMajorOrder) {
  Generator one(8), two(8);
  const Tensor plain = rand({2, 3, 4, 5}, {}, one);
  const Tensor channels_last = empty({2, 3, 4, 5}, {}, MemoryFormat::channels_last);
  kernels::uniform(channels_last, 0, 1, two);
  EXPECT_EQ(channels_last.to_vector<float>(), plain.to_vector<float>());
}

TEST(Random, UniformAndNormalScale) {
  Generator one(9), two(9);
  const Tensor t = empty({1000});
  kernels::uniform(t, -2, 4, one);
  for (const float v : t.to_vector<float>()) ASSERT_TRUE(v >= -2 && v < 4);
  const Tensor z = randn({3}, {}, two), scaled = empty({3});
  two.manual_seed(9);
  kernels::normal(scaled, 10, 2, two);
  EXPECT_FLOAT_EQ(scaled.to_vector<float>()[2], 10 + 2 * z.to_vector<float>()[2]);
}

TEST(Random, IntegersCoverTheirRangeEvenly) {
  Generator generator(10);
  const auto values = randint(-2, 5, {70000}, {.dtype = DType::i64}, generator).to_vector<int64_t>();
  std::vector<int> counts(7);
  for (const int64_t v : values) {
    ASSERT_TRUE(v >= -2 && v < 5);
    ++counts[static_cast<size_t>(v + 2)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(Random, IntegersOfEveryType) {
  Generator generator(11);
  for (const DType dtype : {DType::f32, DType::bf16, DType::u8, DType::i32, DType::i64})
    for (const double v : randint(1, 4, {33}, {.dtype = dtype}, generator).to_vector<float>())
      ASSERT_TRUE(v == 1 || v == 2 || v == 3);
  EXPECT_THROW(randint(3, 3, {1}), ConfigError);
  EXPECT_THROW(randint(0, 257, {1}, {.dtype = DType::u8}), ConfigError);
  EXPECT_THROW(randint(-1, 2, {1}, {.dtype = DType::u8}), ConfigError);
  EXPECT_NO_THROW(randint(0, 256, {1}, {.dtype = DType::u8}));
}

TEST(Random, PermutationsAreUniform) {
  Generator generator(12);
  auto order = randperm(5000, generator).to_vector<int64_t>();
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  std::vector<int64_t> expected(5000);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);

  std::vector<int> counts(6);
  for (int i = 0; i < 6000; ++i) {
    const auto p = randperm(3, generator).to_vector<int64_t>();
    ++counts[static_cast<size_t>(2 * p[0] + (p[1] > p[2]))];
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 120);
  EXPECT_EQ(randperm(0, generator).numel(), 0);
  EXPECT_EQ(randperm(1, generator).to_vector<int64_t>(), std::vector<int64_t>{0});
  EXPECT_THROW(randperm(-1, generator), ConfigError);
}

TEST(Random, EmptyTensorsAndIntegersOfTheWrongKind) {
  EXPECT_EQ(rand({0, 3}).numel(), 0);
  EXPECT_THROW(rand({2}, {.dtype = DType::i32}), DTypeError);
  EXPECT_THROW(randn({2}, {.dtype = DType::u8}), DTypeError);
}

TEST(Random, TheDefaultGeneratorFollowsManualSeed) {
  manual_seed(42);
  const auto first = rand({4}).to_vector<float>();
  const double number = default_generator().uniform();
  manual_seed(42);
  EXPECT_EQ(rand({4}).to_vector<float>(), first);
  EXPECT_EQ(default_generator().uniform(), number);
  EXPECT_TRUE(number >= 0 && number < 1);
}

}  // namespace
}  // namespace gw
