#include "kernels/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using Floats = std::vector<float>;

TEST(Reduce, SumsOverAnyDimensions) {
  const Tensor x = arange(0, 24).reshape({2, 3, 4});
  EXPECT_EQ(kernels::sum(x).item(), 276);
  EXPECT_EQ(kernels::sum(x, {0}).to_vector<float>(), (Floats{12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34}));
  EXPECT_EQ(kernels::sum(x, {-1}).to_vector<float>(), (Floats{6, 22, 38, 54, 70, 86}));
  EXPECT_EQ(kernels::sum(x, {0, 2}).to_vector<float>(), (Floats{60, 92, 124}));
  EXPECT_EQ(kernels::sum(x, {1}, true).shape(), (Shape{2, 1, 4}));
  EXPECT_EQ(kernels::sum(x, {0, 2}, true).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(kernels::sum(x.transpose(0, 2), {0, 1}).to_vector<float>(), (Floats{66, 210}));
  EXPECT_THROW(kernels::sum(x, {3}), ShapeError);
  EXPECT_THROW(kernels::sum(x, {0, -3}), ShapeError);
}

TEST(Reduce, EveryLayoutGivesTheSameSums) {
  const Tensor x = arange(0, 2 * 5 * 7 * 3).reshape({2, 5, 7, 3});
  const Tensor last = kernels::contiguous(x, MemoryFormat::channels_last);
  for (const Shape& dims : {Shape{0, 2, 3}, Shape{1}, Shape{2, 3}, Shape{0}, Shape{1, 3}, Shape{0, 1, 2, 3}}) {
    EXPECT_EQ(kernels::sum(x, dims).to_vector<float>(), kernels::sum(last, dims).to_vector<float>());
    EXPECT_EQ(kernels::amax(x, dims).to_vector<float>(), kernels::amax(last, dims).to_vector<float>());
  }
  EXPECT_EQ(kernels::argmax(x, 1).to_vector<int64_t>(), kernels::argmax(last, 1).to_vector<int64_t>());
  EXPECT_EQ(kernels::var(x, {1}).to_vector<float>(), kernels::var(last, {1}).to_vector<float>());
}

TEST(Reduce, LongSumsStayExact) {
  // In one f32 accumulator 0.1 added ten million times is off by a tenth of the sum.
  const int64_t n = 10'000'001;
  const double exact = static_cast<double>(n) * static_cast<double>(0.1f);
  EXPECT_NEAR(kernels::sum(full({n}, 0.1)).item(), exact, exact * 1e-7);
  const Tensor wide = full({1'000'003, 7}, 0.1);
  for (float s : kernels::sum(wide, {0}).to_vector<float>())
    EXPECT_NEAR(s / (1'000'003 * static_cast<double>(0.1f)), 1, 1e-6);
  EXPECT_NEAR(kernels::mean(full({n}, 0.1)).item(), 0.1f, 1e-8);
}

TEST(Reduce, WideRowsAreSummedByColumns) {
  for (const int64_t columns : {4095, 4096, 5003}) {
    const Tensor x = arange(0, static_cast<double>(2 * 3 * columns)).reshape({2, 3, columns});
    const auto got = kernels::sum(x, {1}).to_vector<float>();
    for (const int64_t c : {int64_t{0}, columns / 2, columns - 1})
      EXPECT_EQ(got[static_cast<size_t>(columns + c)], static_cast<float>(12 * columns + 3 * c)) << columns;
    EXPECT_NEAR(kernels::var(x, {1}, 0).select(1, 7).to_vector<float>()[1], 2.0 / 3 * columns * columns,
                1e-6 * columns * columns);
  }
}

TEST(Reduce, VarianceOfALargeMean) {
  Floats values(100000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 10000.0f + (i % 2 ? 0.5f : -0.5f);
  const Tensor x = tensor(values);
  EXPECT_NEAR(kernels::var(x, {}, 0).item(), 0.25, 1e-6);
  EXPECT_TRUE(std::isnan(kernels::var(ones({1})).item()));
  EXPECT_EQ(kernels::var(ones({1}), {}, 0).item(), 0);
}

TEST(Reduce, ExtremaAndNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = tensor({3, 1, 3, -2});
  EXPECT_EQ(kernels::amax(x).item(), 3);
  EXPECT_EQ(kernels::amin(x).item(), -2);
  EXPECT_EQ(kernels::argmax(x, 0).item(), 0);
  EXPECT_TRUE(std::isnan(kernels::amax(tensor({1, nan, 2})).item()));
  EXPECT_EQ(kernels::argmin(tensor({1, nan, nan}), 0).item(), 1);
  EXPECT_THROW(kernels::amax(zeros({0})), ShapeError);
  EXPECT_THROW(kernels::argmax(zeros({2, 0}), 1), ShapeError);
  EXPECT_EQ(kernels::amax(zeros({0, 3}), {1}).shape(), (Shape{0}));
}

TEST(Reduce, NothingSumsToZero) {
  EXPECT_EQ(kernels::sum(zeros({0, 3})).item(), 0);
  EXPECT_EQ(kernels::sum(zeros({0, 3}), {0}).to_vector<float>(), Floats(3, 0));
  EXPECT_EQ(kernels::sum(zeros({0, 3}), {1}).shape(), (Shape{0}));
  EXPECT_TRUE(std::isnan(kernels::mean(zeros({0})).item()));
}

TEST(Reduce, DTypes) {
  const Tensor bytes = full({1000}, 200, {.dtype = DType::u8});
  EXPECT_EQ(kernels::sum(bytes).dtype(), DType::i64);
  EXPECT_EQ(kernels::sum(bytes).item(), 200000);
  EXPECT_THROW(kernels::mean(bytes), DTypeError);
  const Tensor half = full({1000}, 0.5, {.dtype = DType::bf16});
  EXPECT_EQ(kernels::sum(half).dtype(), DType::bf16);
  EXPECT_EQ(kernels::sum(half).item(), 500);
}

}  // namespace
}  // namespace gw
