#include "kernels/grid_sample.h"

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

class CudaGridSample : public CudaTest {};

TEST_F(CudaGridSample, EqualsTheCpuAtEveryKindOfPlace) {
  Generator generator(1);
  for (const DType dtype : {DType::f32, DType::bf16})
    for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{1, 33, 4, 4}, Shape{3, 1, 1, 9}, Shape{0, 2, 3, 3}}) {
      const Tensor x = randn(shape, {}, generator).to(dtype);
      const Tensor grid = kernels::mul(randn({shape[0], 6, 11, 2}, {}, generator), 0.9);
      const Tensor dy = randn({shape[0], shape[1], 6, 11}, {}, generator).to(dtype);
      for (const SampleMode mode : {SampleMode::bilinear, SampleMode::nearest})
        for (const SamplePadding padding : {SamplePadding::zeros, SamplePadding::border, SamplePadding::reflection}) {
          const GridSampleOptions o{.mode = mode, .padding = padding, .align_corners = padding != SamplePadding::zeros};
          const double tolerance = dtype == DType::f32 ? 1e-5 : 1.6e-2;
          expect_close(kernels::grid_sample(x.to(kCuda), grid.to(kCuda), o), kernels::grid_sample(x, grid, o),
                       tolerance, tolerance);
          const auto expected = kernels::grid_sample_backward(dy, x, grid, o);
          const auto found = kernels::grid_sample_backward(dy.to(kCuda), x.to(kCuda), grid.to(kCuda), o);
          expect_close(found.x, expected.x, tolerance, tolerance);
          expect_close(found.grid, expected.grid, 1e-4, 1e-4);
        }
    }
}

}  // namespace
}  // namespace gw
