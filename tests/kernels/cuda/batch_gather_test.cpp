#include "kernels/batch_gather.h"

#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

class CudaBatchGather : public CudaTest {};

TEST_F(CudaBatchGather, EqualsTheCpuBitForBit) {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const int64_t channels : {1, 2, 3, 130})
      for (const int64_t side : {1, 5, 8}) {
        if (channels > 3 && side > 1) continue;
        Generator generator(1);
        const Tensor images = randint(0, 256, {9, channels, side, side}, {.dtype = DType::u8}, generator);
        const Tensor indices = randint(0, 9, {17}, {.dtype = DType::i64}, generator);
        std::vector<float> mean, std;
        for (int64_t c = 0; c < channels; ++c) {
          mean.push_back(0.3f + 0.01f * static_cast<float>(c));
          std.push_back(0.2f + 0.02f * static_cast<float>(c));
        }
        const Tensor actual = kernels::batch_gather(images.to(kCuda), indices.to(kCuda), mean, std, dtype);
        EXPECT_TRUE(actual.is_contiguous(MemoryFormat::channels_last));
        expect_close(actual, kernels::batch_gather(images, indices, mean, std, dtype), 0, 0);
        for (const bool per_image : {false, true})
          for (const bool pad_bytes : {false, true}) {
            const CropFlip crop{{.padding = 2, .flip = 0.5f, .pad_bytes = pad_bytes, .per_image = per_image}, {5, 7}};
            expect_close(kernels::batch_gather(images.to(kCuda), indices.to(kCuda), mean, std, dtype, crop),
                         kernels::batch_gather(images, indices, mean, std, dtype, crop), 0, 0);
          }
      }
}

TEST_F(CudaBatchGather, WrongIndicesAreReportedAndEmptyBatchesWork) {
  const Tensor images = zeros({3, 1, 4, 4}, {.dtype = DType::u8, .device = kCuda});
  const Tensor wrong = full({2}, 3, {.dtype = DType::i64, .device = kCuda});
  const Tensor batch = kernels::batch_gather(images, wrong, {0}, {1}, DType::f32);
  EXPECT_THROW(batch.to(kCpu), ShapeError);
  const Tensor none = empty({0}, {.dtype = DType::i64, .device = kCuda});
  EXPECT_EQ(kernels::batch_gather(images, none, {0}, {1}, DType::f32).shape(), (Shape{0, 1, 4, 4}));
}

}  // namespace
}  // namespace gw
