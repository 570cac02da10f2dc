#include "kernels/warp_gather.h"

#include "data/warp.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

class CudaWarpGather : public CudaTest {};

TEST_F(CudaWarpGather, EqualsTheCpu) {
  Generator generator(1);
  const WarpOptions everything{.rotate = 40,
                               .zoom = 1.5,
                               .translate = 0.3,
                               .shear = 20,
                               .perspective = 0.3,
                               .brightness = 0.4,
                               .contrast = 0.4,
                               .cutout = 0.3};
  for (const int64_t channels : {1, 3, 5})
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const SamplePadding padding : {SamplePadding::zeros, SamplePadding::border, SamplePadding::reflection}) {
        const Tensor images = randint(0, 256, {5, channels, 17, 11}, {.dtype = DType::u8}, generator);
        const Tensor indices = from_values<int64_t>({4, 0, 3}, {3}, {.dtype = DType::i64});
        const Tensor warps = draw_warps(everything, {}, 3, 17, 11, generator);
        const std::vector<float> mean(static_cast<size_t>(channels), 0.4f), std(static_cast<size_t>(channels), 0.3f);
        const double tolerance = dtype == DType::f32 ? 1e-4 : 1.6e-2;
        expect_close(
            kernels::warp_gather(images.to(kCuda), indices.to(kCuda), warps.to(kCuda), mean, std, dtype, padding),
            kernels::warp_gather(images, indices, warps, mean, std, dtype, padding), tolerance, tolerance);
      }
}

TEST_F(CudaWarpGather, AWrongIndexIsReported) {
  const Tensor images = zeros({2, 1, 4, 4}, {.dtype = DType::u8}).to(kCuda);
  const Tensor indices = full({1}, 2, {.dtype = DType::i64}).to(kCuda), warps = zeros({1, kWarpNumbers}).to(kCuda);
  EXPECT_THROW(kernels::warp_gather(images, indices, warps, {0.0f}, {1.0f}, DType::f32, SamplePadding::zeros).to(kCpu),
               ShapeError);
}

}  // namespace
}  // namespace gw
