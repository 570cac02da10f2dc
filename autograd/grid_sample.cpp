#include "autograd/grid_sample.h"

#include <fmt/format.h>

#include <vector>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// The middle of pixel i of `size`.
float place_of(int64_t i, int64_t size, bool align_corners) {
  const auto n = static_cast<float>(size), place = static_cast<float>(i);
  if (!align_corners) return (2.0f * place + 1.0f) / n - 1.0f;
  return size > 1 ? 2.0f * place / (n - 1.0f) - 1.0f : 0.0f;
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& o) {
  if (grid.dtype() == DType::bf16) return grid_sample(x, grid.to(DType::f32), o);
  return record("grid_sample", kernels::grid_sample(x, grid, o), {x, grid},
                [x = saved(x), grid = saved(grid), o](const Tensor& dy) {
                  const auto gradients = kernels::grid_sample_backward(dy, x, grid, o);
                  return Grads{gradients.x, gradients.grid};
                });
}

Tensor affine_grid(const Tensor& theta, int64_t height, int64_t width, bool align_corners) {
  if (theta.dim() != 3 || theta.size(1) != 2 || theta.size(2) != 3)
    throw ShapeError(fmt::format("affine_grid: expected maps [N, 2, 3], got {}", theta.shape().to_string()));
  if (height < 1 || width < 1)
    throw ShapeError(fmt::format("affine_grid: expected a size of at least 1 x 1, got {} x {}", height, width));
  std::vector<float> places;
  places.reserve(static_cast<size_t>(3 * height * width));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      places.insert(places.end(), {place_of(x, width, align_corners), place_of(y, height, align_corners), 1.0f});
  const Tensor base = from_values<float>(places, {height * width, 3}).to(theta.device());
  return base.matmul(theta.transpose(1, 2)).reshape({theta.size(0), height, width, 2});
}

}  // namespace gw
