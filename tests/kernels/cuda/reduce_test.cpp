#include "kernels/reduce.h"

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr int64_t kSizes[] = {1, 3, 10, 31, 32, 33, 255, 257, 1029, 9001};
constexpr DType kFloats[] = {DType::f32, DType::bf16};

Tensor values(const Shape& shape, DType dtype = DType::f32) {
  Generator generator(1);
  return randn(shape, {}, generator).to(dtype);
}

class CudaReduce : public CudaTest {};

/// Every reduction of x over the dimensions, against the CPU's.
void expect_equal_reductions(const Tensor& x, const Shape& dims) {
  const Tensor there = x.to(kCuda);
  const double tolerance = x.dtype() == DType::f32 ? 1e-6 : 8e-3;
  expect_close(kernels::sum(there, dims), kernels::sum(x, dims), tolerance, 1e-5);
  expect_close(kernels::mean(there, dims), kernels::mean(x, dims), tolerance, 1e-6);
  expect_close(kernels::var(there, dims, 0), kernels::var(x, dims, 0), tolerance * 5, 1e-6);
  expect_close(kernels::amax(there, dims), kernels::amax(x, dims), 0, 0);
  expect_close(kernels::amin(there, dims), kernels::amin(x, dims), 0, 0);
}

TEST_F(CudaReduce, WholeTensors) {
  for (const DType dtype : kFloats)
    for (const int64_t n : kSizes) expect_equal_reductions(values({n}, dtype), {});
  expect_equal_reductions(values({300000}), {});
}

TEST_F(CudaReduce, Rows) {
  for (const DType dtype : kFloats)
    for (const int64_t n : kSizes) {
      const Tensor x = values({n > 1000 ? 3 : 70, n}, dtype);
      expect_equal_reductions(x, {1});
      expect_close(kernels::argmax(x.to(kCuda), 1), kernels::argmax(x, 1), 0, 0);
      expect_close(kernels::argmin(x.to(kCuda), 1), kernels::argmin(x, 1), 0, 0);
    }
}

TEST_F(CudaReduce, Columns) {
  for (const DType dtype : kFloats)
    for (const int64_t n : {1, 7, 8, 33, 257})
      for (const int64_t rows : {5, 33, 700}) {
        const Tensor x = values({rows, n}, dtype);
        expect_equal_reductions(x, {0});
        expect_close(kernels::argmax(x.to(kCuda), 0), kernels::argmax(x, 0), 0, 0);
      }
}

TEST_F(CudaReduce, AnyDimensionsOfAnyLayout) {
  for (const DType dtype : kFloats) {
    const Tensor x = values({3, 12, 9, 11}, dtype), last = x.contiguous(MemoryFormat::channels_last);
    for (const Shape& dims : {Shape{0, 2, 3}, Shape{1}, Shape{2, 3}, Shape{0}, Shape{1, 3}}) {
      expect_equal_reductions(x, dims);
      expect_equal_reductions(last, dims);
      expect_equal_reductions(x.transpose(1, 3).slice(2, 1, 8), dims);
    }
  }
}

TEST_F(CudaReduce, UnalignedRows) {
  const Tensor x = values({2051});
  expect_close(kernels::sum(x.to(kCuda).slice(0, 1, 2050)), kernels::sum(x.slice(0, 1, 2050)), 1e-6, 1e-5);
}

TEST_F(CudaReduce, Integers) {
  for (const DType dtype : {DType::u8, DType::i32, DType::i64}) {
    const Tensor x = kernels::cast(kernels::add(kernels::mul(values({70, 50}), 20), 100), dtype), there = x.to(kCuda);
    for (const Shape& dims : {Shape{}, Shape{0}, Shape{1}}) {
      EXPECT_EQ(kernels::sum(there, dims).to_vector<int64_t>(), kernels::sum(x, dims).to_vector<int64_t>());
      EXPECT_EQ(kernels::amax(there, dims).to_vector<int64_t>(), kernels::amax(x, dims).to_vector<int64_t>());
    }
  }
  const Tensor big = full({3}, 1e15, {.dtype = DType::i64});
  EXPECT_EQ(kernels::sum(big.to(kCuda)).to_vector<int64_t>(), (std::vector<int64_t>{3000000000000000}));
}

TEST_F(CudaReduce, LongSumsStayExact) {
  const Tensor x = full({1 << 20}, 0.1, {.device = kCuda});
  EXPECT_NEAR(kernels::mean(x).item(), 0.1, 1e-7);
  EXPECT_NEAR(kernels::var(kernels::add(x, 1000.0)).item(), 0, 1e-6);
}

TEST_F(CudaReduce, ExtremaKnowNanAndTakeTheFirstOfEquals) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> numbers(100, 1.0f);
  numbers[40] = numbers[60] = 5;
  const Tensor x = from_values<float>(numbers, {100}).to(kCuda);
  EXPECT_EQ(kernels::argmax(x, 0).item(), 40);
  EXPECT_EQ(kernels::argmin(x, 0).item(), 0);
  numbers[70] = numbers[90] = nan;
  const Tensor y = from_values<float>(numbers, {100}).to(kCuda);
  EXPECT_EQ(kernels::argmax(y, 0).item(), 70);
  EXPECT_EQ(kernels::argmin(y, 0).item(), 70);
  EXPECT_TRUE(std::isnan(kernels::amax(y).item()));
}

TEST_F(CudaReduce, EmptyTensors) {
  const Tensor x = empty({0, 3}, {.device = kCuda});
  EXPECT_EQ(kernels::sum(x, {0}).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(kernels::sum(x, {1}).numel(), 0);
  EXPECT_THROW(kernels::amax(x, {0}), ShapeError);
}

TEST_F(CudaReduce, RepeatsBitForBit) {
  const Tensor x = values({500, 33}).to(kCuda);
  const auto first = kernels::sum(x, {0}).to_vector<float>();
  EXPECT_EQ(kernels::sum(x, {0}).to_vector<float>(), first);
}

}  // namespace
}  // namespace gw
