#include "kernels/cpu/bf16_round.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace gw::kernels::cpu {
namespace {

/// Subnormal numbers may become zeros of their sign; all else is rounded as bf16's constructor does.
void expect_rounded(float value, bf16 rounded) {
  const uint16_t exact = bf16(value).bits, sign = exact & 0x8000u;
  if (std::fpclassify(value) == FP_SUBNORMAL)
    EXPECT_TRUE(rounded.bits == exact || rounded.bits == sign) << value << " became " << rounded.bits;
  else
    EXPECT_EQ(rounded.bits, exact) << std::bit_cast<uint32_t>(value);
}

TEST(Bf16Round, EverySignAndExponentWithFractionsAroundTies) {
  std::vector<float> values;
  for (uint32_t upper = 0; upper < 0x10000u; upper += 0x3fu)
    for (const uint32_t lower : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      for (const uint32_t odd : {0u, 1u}) values.push_back(std::bit_cast<float>(((upper ^ odd) << 16) | lower));
  std::vector<bf16> rounded(values.size());
  round_run(rounded.data(), values.data(), static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) expect_rounded(values[i], rounded[i]);
}

TEST(Bf16Round, SpecialValues) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {kInf,
                                     -kInf,
                                     0.0f,
                                     -0.0f,
                                     std::numeric_limits<float>::max(),  // rounds to infinity
                                     std::numeric_limits<float>::lowest(),
                                     std::numeric_limits<float>::min(),
                                     std::numeric_limits<float>::denorm_min(),
                                     std::bit_cast<float>(0x7f800001u),  // NaNs whose upper half alone is infinite
                                     std::bit_cast<float>(0xff80ffffu),
                                     std::bit_cast<float>(0x7fffffffu),
                                     std::bit_cast<float>(0xffffffffu)};
  std::vector<bf16> rounded(values.size());
  round_run(rounded.data(), values.data(), static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) expect_rounded(values[i], rounded[i]);
}

TEST(Bf16Round, EveryLengthAndPositionGivesTheSameAndTouchesNothingElse) {
  constexpr int64_t kMost = 70;
  constexpr uint16_t kUntouched = 0x1234;
  std::vector<float> values;
  for (int64_t i = 0; i <= kMost; ++i)
    values.push_back(i % 9 == 4 ? std::numeric_limits<float>::denorm_min() * 1e5f : 1.0f + static_cast<float>(i) / 768);
  std::vector<bf16> whole(values.size());
  round_run(whole.data(), values.data(), kMost);
  for (int64_t n = 0; n <= kMost; ++n) {
    bf16 untouched;
    untouched.bits = kUntouched;
    std::vector<bf16> rounded(static_cast<size_t>(kMost) + 2, untouched);
    round_run(rounded.data() + 1, values.data(), n);
    EXPECT_EQ(rounded.front().bits, kUntouched);
    for (int64_t i = 0; i < n; ++i)
      EXPECT_EQ(rounded[static_cast<size_t>(i + 1)].bits, whole[static_cast<size_t>(i)].bits) << n << ", " << i;
    for (auto i = static_cast<size_t>(n) + 1; i < rounded.size(); ++i) EXPECT_EQ(rounded[i].bits, kUntouched) << n;
  }
}

TEST(Bf16Round, WriteRunGivesTheSameStreamedOrNotAtAnyAlignment) {
  const auto fill = [](float* to, int64_t begin, auto count) {
    for (int64_t i = 0; i < count; ++i) to[i] = 1.0f / static_cast<float>(begin + i + 3);
  };
  for (const int64_t n : {0, 1, 31, 64, 100, 300}) {
    for (const int64_t offset : {0, 1, 31}) {
      std::vector<bf16> plain(static_cast<size_t>(n + offset)), streamed(plain.size());
      write_run(plain.data() + offset, n, false, fill);
      write_run(streamed.data() + offset, n, true, fill);
      stream_fence();
      for (int64_t i = 0; i < n; ++i) {
        const auto at = static_cast<size_t>(offset + i);
        EXPECT_EQ(plain[at].bits, bf16(1.0f / static_cast<float>(i + 3)).bits) << n << ", " << offset << ", " << i;
        EXPECT_EQ(streamed[at].bits, plain[at].bits) << n << ", " << offset << ", " << i;
      }
    }
  }
}

}  // namespace
}  // namespace gw::kernels::cpu
