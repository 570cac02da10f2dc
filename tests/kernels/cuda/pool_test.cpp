#include "kernels/pool.h"

#include <limits>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr DType kFloats[] = {DType::f32, DType::bf16};
constexpr MemoryFormat kFormats[] = {MemoryFormat::contiguous, MemoryFormat::channels_last};

Tensor values(const Shape& shape, DType dtype, MemoryFormat format, uint64_t seed = 1) {
  Generator generator(seed);
  return randn(shape, {}, generator).to(dtype).contiguous(format);
}

struct Case {
  Shape shape;
  PoolOptions windows;
};

/// Windows that tile the input, that leave some of it out, that overlap, that reach into the padding and beyond; rows
/// of one and of several packs, and channels that fill none.
const std::vector<Case> kCases{
    {{2, 16, 8, 6}, {.kernel = 2}},
    {{3, 5, 8, 8}, {.kernel = 2}},
    {{2, 8, 7, 9}, {.kernel = 2}},
    {{2, 8, 9, 6}, {.kernel = 3}},
    {{1, 32, 12, 8}, {.kernel = {3, 2}}},
    {{2, 7, 11, 9}, {.kernel = 3, .stride = 2, .padding = 1}},
    {{1, 24, 10, 10}, {.kernel = 3, .stride = 1, .padding = 1}},
    {{2, 9, 7, 7}, {.kernel = 3, .stride = 2, .padding = 0, .ceil_mode = true}},
    {{1, 40, 6, 5}, {.kernel = {5, 4}, .stride = {2, 3}, .padding = {2, 1}}},
    {{2, 3, 24, 26}, {.kernel = {12, 13}}},
    {{1, 16, 30, 17}, {.kernel = {16, 9}, .stride = 4}},
    {{33, 8, 2, 2}, {.kernel = 2}},
    {{0, 8, 4, 4}, {.kernel = 2}},
};

AvgPoolOptions average_options(const PoolOptions& o) { return {o.kernel, o.stride, o.padding, o.ceil_mode}; }

class CudaPool : public CudaTest {};

TEST_F(CudaPool, AverageEqualsTheCpu) {
  for (const auto& [shape, windows] : kCases)
    for (const DType dtype : kFloats)
      for (const MemoryFormat format : kFormats) {
        SCOPED_TRACE(shape.to_string());
        const double tolerance = dtype == DType::f32 ? 1e-5 : 8e-3;
        const Tensor x = values(shape, dtype, format);
        const AvgPoolOptions o = average_options(windows);
        const Tensor y = kernels::avg_pool2d(x, o), on_cuda = kernels::avg_pool2d(x.to(kCuda), o);
        EXPECT_EQ(on_cuda.strides(), y.strides());
        expect_close(on_cuda, y, tolerance, tolerance);
        const Tensor dy = values(y.shape(), dtype, format, 2);
        expect_close(kernels::avg_pool2d_backward(dy.to(kCuda), shape, o), kernels::avg_pool2d_backward(dy, shape, o),
                     tolerance, tolerance);
        expect_close(kernels::avg_pool2d_backward(dy.to(kCuda), shape, o, x.to(kCuda)),
                     kernels::avg_pool2d_backward(dy, shape, o, x), tolerance, tolerance);
      }
}

TEST_F(CudaPool, DivisorsEqualTheCpu) {
  const Tensor x = values({2, 8, 7, 7}, DType::f32, MemoryFormat::channels_last);
  AvgPoolOptions o{.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true};
  for (const bool count : {false, true})
    for (const auto divisor : {std::optional<int64_t>{}, std::optional<int64_t>{5}}) {
      o.count_include_pad = count;
      o.divisor_override = divisor;
      const Tensor y = kernels::avg_pool2d(x, o);
      expect_close(kernels::avg_pool2d(x.to(kCuda), o), y);
      expect_close(kernels::avg_pool2d_backward(y.to(kCuda), x.shape(), o),
                   kernels::avg_pool2d_backward(y, x.shape(), o));
    }
}

TEST_F(CudaPool, MaximumEqualsTheCpu) {
  for (const auto& [shape, windows] : kCases)
    for (const DType dtype : kFloats)
      for (const MemoryFormat format : kFormats) {
        SCOPED_TRACE(shape.to_string());
        // Few different values, so that there are equals in every window.
        const Tensor x =
            kernels::cast(kernels::cast(kernels::mul(values(shape, DType::f32, format), 2), DType::i32), dtype);
        const kernels::MaxPoolResult cpu = kernels::max_pool2d(x, windows);
        const kernels::MaxPoolResult cuda = kernels::max_pool2d(x.to(kCuda), windows);
        expect_close(cuda.y, cpu.y, 0, 0);
        EXPECT_EQ(cuda.indices.to_vector<int32_t>(), cpu.indices.to_vector<int32_t>());
        const Tensor dy = values(cpu.y.shape(), dtype, format, 2);
        const double tolerance = dtype == DType::f32 ? 1e-6 : 8e-3;
        expect_close(kernels::max_pool2d_backward(dy.to(kCuda), cuda.indices, shape, windows),
                     kernels::max_pool2d_backward(dy, cpu.indices, shape, windows), tolerance, tolerance);
      }
}

TEST_F(CudaPool, MaximumOfNanAndInfinity) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  const Tensor x = tensor({-kInf, -kInf, 1, kNan, -kInf, -kInf, kNan, 2}).reshape({1, 1, 2, 4});
  const Tensor large = full({1, 3, 13, 11}, -kInf, {.device = kCuda});
  const kernels::MaxPoolResult cpu = kernels::max_pool2d(x, {.kernel = 2});
  const kernels::MaxPoolResult cuda = kernels::max_pool2d(x.to(kCuda), {.kernel = 2});
  expect_close(cuda.y, cpu.y, 0, 0);
  EXPECT_EQ(cuda.indices.to_vector<int32_t>(), cpu.indices.to_vector<int32_t>());
  EXPECT_EQ(kernels::adaptive_max_pool2d(large, 1).indices.to_vector<int32_t>(), (std::vector<int32_t>{0, 0, 0}));
}

TEST_F(CudaPool, AdaptivePoolsEqualTheCpu) {
  for (const Shape& shape : {Shape{2, 16, 7, 5}, Shape{3, 5, 8, 8}, Shape{1, 8, 28, 29}, Shape{2, 72, 12, 12}})
    for (const Size2 out : {Size2(1), Size2(2, 3), Size2(5), Size2(9, 10)})
      for (const DType dtype : kFloats)
        for (const MemoryFormat format : kFormats) {
          SCOPED_TRACE(shape.to_string());
          const double tolerance = dtype == DType::f32 ? 1e-5 : 8e-3;
          const Tensor x = values(shape, dtype, format), there = x.to(kCuda);
          const Tensor y = kernels::adaptive_avg_pool2d(x, out);
          expect_close(kernels::adaptive_avg_pool2d(there, out), y, tolerance, tolerance);
          expect_close(kernels::adaptive_avg_pool2d_backward(y.to(kCuda), shape),
                       kernels::adaptive_avg_pool2d_backward(y, shape), tolerance, tolerance);
          const kernels::MaxPoolResult cpu = kernels::adaptive_max_pool2d(x, out);
          const kernels::MaxPoolResult cuda = kernels::adaptive_max_pool2d(there, out);
          EXPECT_EQ(cuda.indices.to_vector<int32_t>(), cpu.indices.to_vector<int32_t>());
          expect_close(kernels::adaptive_max_pool2d_backward(y.to(kCuda), cuda.indices, shape),
                       kernels::adaptive_max_pool2d_backward(y, cpu.indices, shape), tolerance, tolerance);
        }
}

TEST_F(CudaPool, ReadsViewsThatStartBetweenPacks) {
  const Tensor storage = values({1 + 2 * 8 * 4 * 4}, DType::f32, MemoryFormat::contiguous);
  const Tensor x = storage.slice(0, 1, 1 + 2 * 8 * 4 * 4).view({2, 4, 4, 8}).permute({0, 3, 1, 2});
  const Tensor there = storage.to(kCuda).slice(0, 1, 1 + 2 * 8 * 4 * 4).view({2, 4, 4, 8}).permute({0, 3, 1, 2});
  expect_close(kernels::avg_pool2d(there, {.kernel = 2}), kernels::avg_pool2d(x, {.kernel = 2}));
}

}  // namespace
}  // namespace gw
