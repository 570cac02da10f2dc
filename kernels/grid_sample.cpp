#include "kernels/grid_sample.h"

#include <fmt/format.h>

#include "kernels/cpu/grid_sample.h"
#include "kernels/cuda/grid_sample.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

math::GridShape shape_of(const Tensor& x, const Tensor& grid) {
  if (x.dim() != 4 || grid.dim() != 4 || grid.size(3) != 2 || x.size(0) != grid.size(0))
    throw ShapeError(fmt::format("grid_sample: expected [N, C, H, W] and a grid [N, P, Q, 2], got {} and {}",
                                 x.shape().to_string(), grid.shape().to_string()));
  if (x.size(2) < 1 || x.size(3) < 1)
    throw ShapeError(fmt::format("grid_sample: expected images with pixels, got {}", x.shape().to_string()));
  if (!is_floating(x.dtype()) || grid.dtype() != DType::f32)
    throw DTypeError(fmt::format("grid_sample: expected f32 or bf16 images and an f32 grid, got {} and {}",
                                 name_of(x.dtype()), name_of(grid.dtype())));
  check_same_device("grid_sample", {&x, &grid});
  return {x.size(0), x.size(1), x.size(2), x.size(3), grid.size(1), grid.size(2)};
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& o) {
  const math::GridShape s = shape_of(x, grid);
  const Tensor y =
      empty({s.n, s.c, s.out_h, s.out_w}, {.dtype = x.dtype(), .device = x.device()}, MemoryFormat::channels_last);
  GW_DISPATCH(x, grid_sample(y, contiguous(x, MemoryFormat::channels_last), contiguous(grid), s, o));
  return y;
}

GridSampleGradients grid_sample_backward(const Tensor& dy, const Tensor& x, const Tensor& grid,
                                         const GridSampleOptions& o) {
  const math::GridShape s = shape_of(x, grid);
  if (dy.shape() != Shape{s.n, s.c, s.out_h, s.out_w})
    throw ShapeError(fmt::format("grid_sample_backward: expected a gradient {}, got {}",
                                 Shape{s.n, s.c, s.out_h, s.out_w}.to_string(), dy.shape().to_string()));
  const Tensor dx = empty(x.shape(), {.dtype = DType::f32, .device = x.device()}, MemoryFormat::channels_last);
  fill(dx, 0);
  const Tensor dgrid = empty(grid.shape(), {.dtype = DType::f32, .device = x.device()});
  GW_DISPATCH(x, grid_sample_backward(dx, dgrid, contiguous(cast(dy, x.dtype()), MemoryFormat::channels_last),
                                      contiguous(x, MemoryFormat::channels_last), contiguous(grid), s, o));
  return {cast(dx, x.dtype()), dgrid};
}

}  // namespace gw::kernels
