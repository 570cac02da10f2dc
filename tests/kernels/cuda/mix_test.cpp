#include "kernels/mix.h"

#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

class CudaMix : public CudaTest {};

TEST_F(CudaMix, ImagesEqualTheCpus) {
  // Rows and images that packs divide, and others.
  const Shape shapes[] = {{4, 3, 8, 8}, {3, 1, 28, 28}, {5, 3, 7, 9}, {2, 5, 1, 3}, {1, 2, 5, 4}, {0, 3, 4, 4}};
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const Shape& shape : shapes)
      for (const float keep : {0.0f, 0.3f, 1.0f}) {
        Generator generator(2);
        const Tensor x = randn(shape, {}, generator).to(dtype).contiguous(MemoryFormat::channels_last);
        const int64_t shift = shape[0] > 1 ? shape[0] - 1 : 0, height = shape[2], width = shape[3];
        const double tolerance = dtype == DType::f32 ? 1e-6 : 1e-2;
        for (const ImageMix& mix : {ImageMix{shift, keep, 0, 0, height, width}, ImageMix{shift, keep, 0, 1, 1, width},
                                    ImageMix{0, keep, height / 2, 0, height, width / 2}, ImageMix{shift, keep}})
          expect_close(kernels::mix_images(x.to(kCuda), mix), kernels::mix_images(x, mix), tolerance, tolerance);
      }
}

TEST_F(CudaMix, TargetsEqualTheCpus) {
  for (const int64_t n : {1, 2, 33, 100}) {
    Generator generator(3);
    const Tensor labels = randint(0, 7, {n}, {.dtype = DType::i64}, generator);
    for (const int64_t shift : {int64_t{0}, n - 1})
      expect_close(kernels::mix_targets(labels.to(kCuda), 7, shift, 0.3f), kernels::mix_targets(labels, 7, shift, 0.3f),
                   0, 0);
  }
}

TEST_F(CudaMix, ALabelThatIsNoClassIsReported) {
  const Tensor labels = from_values<int64_t>({0, 7}, {2}, {.dtype = DType::i64}).to(kCuda);
  EXPECT_THROW(kernels::mix_targets(labels, 7, 1, 0.5f).to(kCpu), ShapeError);
}

}  // namespace
}  // namespace gw
