// Differentiable reading of images at any places: spatial transformers.
#pragma once

#include "kernels/grid_sample.h"

namespace gw {

/// x [N, C, H, W] at the places of grid [N, P, Q, 2], (x, y) from -1 to 1: [N, C, P, Q]. Options and errors: see
/// kernels/grid_sample.h.
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& o = {});

/// The grid [N, H, W, 2] that an affine map theta [N, 2, 3] makes of the places (x, y, 1) of `height` x `width` pixels.
/// ShapeError for another theta and for a size below 1.
Tensor affine_grid(const Tensor& theta, int64_t height, int64_t width, bool align_corners = false);

}  // namespace gw
