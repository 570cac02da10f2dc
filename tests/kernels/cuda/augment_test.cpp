#include "kernels/augment.h"

#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

class CudaAugment : public CudaTest {};

Tensor images(const Shape& shape, DType dtype) {
  Generator generator(3);
  return randn(shape, {}, generator).to(dtype).contiguous(MemoryFormat::channels_last);
}

constexpr DType kFloats[] = {DType::f32, DType::bf16};

TEST_F(CudaAugment, StatisticsEqualTheCpu) {
  for (const DType dtype : kFloats)
    for (const int64_t n : {2, 31, 257, 33000, 70001}) {
      const Tensor x = images({1, 1, 1, n}, dtype);
      expect_close(kernels::batch_statistics(x.to(kCuda)), kernels::batch_statistics(x), 1e-6, 1e-7);
    }
}

TEST_F(CudaAugment, EraseAndCopyEqualTheCpu) {
  for (const DType dtype : kFloats)
    for (const bool per_image : {false, true})
      for (const Shape& shape : {Shape{5, 1, 28, 28}, Shape{3, 3, 9, 35}, Shape{2, 2, 1, 1}}) {
        const PatchOptions o{.pct = 0.3, .max_num = 5, .per_image = per_image};
        for (uint64_t seed = 0; seed < 4; ++seed) {
          const Tensor x = images(shape, dtype), there = x.to(kCuda);
          Generator here_generator(seed), there_generator(seed);
          expect_close(kernels::random_copy(there, o, there_generator), kernels::random_copy(x, o, here_generator), 0,
                       0);
          kernels::random_erase_(x, o, here_generator);
          kernels::random_erase_(there, o, there_generator);
          const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-2;
          expect_close(there, x, tolerance, tolerance);
          EXPECT_EQ(here_generator.state().offset, there_generator.state().offset);
        }
      }
}

TEST_F(CudaAugment, MorePatchesThanABlockHoldsAtOnce) {
  const PatchOptions o{.pct = 0.1, .max_num = 200, .per_image = true};
  const Tensor x = images({4, 1, 20, 20}, DType::f32);
  Generator here(5), there(5);
  expect_close(kernels::random_copy(x.to(kCuda), o, there), kernels::random_copy(x, o, here), 0, 0);
}

}  // namespace
}  // namespace gw
