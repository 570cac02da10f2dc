#include "kernels/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

using kernels::HistogramOptions;
using kernels::value_statistics;

std::vector<int64_t> counts_of(const Tensor& x, const HistogramOptions& o) {
  return value_statistics(x, o).counts.to_vector<int64_t>();
}

TEST(Histogram, CountsAsTorchHistcDoes) {
  // torch.histc(x, 4, 0, 2): 2 is in the last bin, what lies outside in none.
  const Tensor x = tensor({0.0f, 0.49f, 0.5f, 0.99f, 1.0f, 1.7f, 2.0f, 2.01f, -0.1f, 100.0f});
  const HistogramOptions o{.bins = 4, .low = 0, .high = 2, .absolute = false};
  EXPECT_EQ(counts_of(x, o), (std::vector<int64_t>{2, 2, 1, 2}));
  EXPECT_EQ(counts_of(x, {.bins = 4, .low = 0, .high = 2}), (std::vector<int64_t>{3, 2, 1, 2}));
  EXPECT_EQ(counts_of(x, {.bins = 1, .low = -1000, .high = 1000}), (std::vector<int64_t>{10}));
}

TEST(Histogram, NothingNumericIsInABinUnlessItIsANumberWithin) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  EXPECT_EQ(counts_of(tensor({inf, -inf, nan, 1e30f, -1e30f, 3}), {}).at(12), 1);
  const auto counts = counts_of(tensor({inf, -inf, nan, 1e30f, -1e30f, 3}), {});
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 1);
}

TEST(Histogram, MomentsAreThoseOfPlainFormulasInDouble) {
  manual_seed(3);
  // An offset a thousand times the spread, over several tasks and an odd rest.
  for (int64_t n : {2, 1023, 65536 * 3 + 77}) {
    const Tensor x = randn({n}) * 0.01 + 10;
    double sum = 0, squares = 0;
    for (float v : x.to_vector<float>()) sum += v;
    const double mean = sum / static_cast<double>(n);
    for (float v : x.to_vector<float>()) squares += (v - mean) * (v - mean);
    const auto moments = value_statistics(x).moments.to_vector<float>();
    EXPECT_NEAR(moments[0], mean, 1e-6) << n;
    EXPECT_NEAR(moments[1], std::sqrt(squares / static_cast<double>(n - 1)), 1e-7) << n;
  }
}

TEST(Histogram, TakesAnyLayoutAndBf16) {
  manual_seed(4);
  const Tensor x = randn({5, 3, 7, 9});
  const auto expected = counts_of(x, {});
  EXPECT_EQ(counts_of(x.contiguous(MemoryFormat::channels_last), {}), expected);
  EXPECT_EQ(counts_of(x.transpose(0, 3), {}), expected);
  const Tensor part = x.slice(3, 0, 9, 2);
  EXPECT_EQ(counts_of(part, {}), counts_of(part.contiguous(), {}));
  const Tensor b = x.to(DType::bf16);
  EXPECT_EQ(counts_of(b, {}), counts_of(b.to(DType::f32), {}));
}

TEST(Histogram, OfLittle) {
  const auto none = value_statistics(empty({0}));
  EXPECT_TRUE(std::isnan(none.moments.to_vector<float>()[0]));
  EXPECT_EQ(none.counts.to_vector<int64_t>(), std::vector<int64_t>(40, 0));
  const auto one = value_statistics(scalar(0.3));
  EXPECT_EQ(one.moments.to_vector<float>()[0], 0.3f);
  EXPECT_TRUE(std::isnan(one.moments.to_vector<float>()[1]));
}

TEST(Histogram, RefusesWhatMakesNoSense) {
  EXPECT_THROW(value_statistics(zeros({2}, {.dtype = DType::i64})), DTypeError);
  EXPECT_THROW(value_statistics(zeros({2}), {.bins = 0}), ConfigError);
  EXPECT_THROW(value_statistics(zeros({2}), {.bins = 5000}), ConfigError);
  EXPECT_THROW(value_statistics(zeros({2}), {.low = 1, .high = 1}), ConfigError);
}

}  // namespace
}  // namespace gw
