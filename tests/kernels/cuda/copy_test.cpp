// Copies between layouts: by rows, by tiles, element by element.
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr DType kTypes[] = {DType::f32, DType::bf16, DType::u8, DType::i32, DType::i64};

Tensor values(const Shape& shape, DType dtype) {
  Generator generator(1);
  return kernels::cast(kernels::add(kernels::mul(randn(shape, {}, generator), 20), 100), dtype);
}

class CudaCopy : public CudaTest {};

TEST_F(CudaCopy, TransposesOfAnySize) {
  for (const DType dtype : kTypes)
    for (const int64_t rows : {1, 7, 8, 31, 32, 33, 65})
      for (const int64_t columns : {1, 9, 32, 130}) {
        const Tensor x = values({rows, columns}, dtype);
        expect_close(kernels::contiguous(x.to(kCuda).transpose(0, 1)), x.transpose(0, 1), 0, 0);
      }
}

TEST_F(CudaCopy, ChannelsLastAndBack) {
  for (const DType dtype : kTypes)
    for (const int64_t channels : {1, 3, 8, 35}) {
      const Tensor x = values({3, channels, 9, 11}, dtype);
      const Tensor last = kernels::contiguous(x.to(kCuda), MemoryFormat::channels_last);
      EXPECT_TRUE(last.is_contiguous(MemoryFormat::channels_last));
      expect_close(last, x, 0, 0);
      expect_close(kernels::contiguous(last), x, 0, 0);
      expect_close(kernels::contiguous(last.transpose(0, 1).slice(2, 1, 8)), x.transpose(0, 1).slice(2, 1, 8), 0, 0);
    }
}

TEST_F(CudaCopy, RowsOfSlices) {
  for (const DType dtype : kTypes)
    for (const int64_t start : {0, 1, 2, 4, 8, 16})
      for (const int64_t length : {1, 2, 4, 8, 16, 33}) {
        const Tensor x = values({3, 5, 64}, dtype), there = x.to(kCuda);
        expect_close(kernels::contiguous(there.slice(2, start, start + length)), x.slice(2, start, start + length), 0,
                     0);
        const Tensor target = zeros({3, 5, 64}, {.dtype = dtype, .device = kCuda});
        kernels::copy(target.slice(2, start, start + length), there.slice(2, 0, length));
        expect_close(target.slice(2, start, start + length), x.slice(2, 0, length), 0, 0);
        expect_close(kernels::sub(target, target), zeros({3, 5, 64}, {.dtype = dtype}), 0, 0);
      }
}

TEST_F(CudaCopy, BroadcastSources) {
  const Tensor x = values({1, 32}, DType::f32), target = zeros({5, 32}, {.device = kCuda});
  kernels::copy(target, x.to(kCuda));
  expect_close(target, kernels::add(zeros({5, 32}), x), 0, 0);
  const Tensor down = zeros({32, 9}, {.device = kCuda});
  kernels::copy(down, x.to(kCuda).transpose(0, 1));
  expect_close(down, kernels::add(zeros({32, 9}), x.transpose(0, 1)), 0, 0);
}

}  // namespace
}  // namespace gw
