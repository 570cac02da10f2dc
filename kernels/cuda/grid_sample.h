// The GPU's side of reading images at any places.
#pragma once

#include "kernels/math/grid_sample.h"

namespace gw::kernels::cuda {

/// x and y are dense in channels-last memory, the grid is contiguous.
void grid_sample(const Tensor& y, const Tensor& x, const Tensor& grid, const math::GridShape& s,
                 const GridSampleOptions& o);
/// dx is f32, of zeros.
void grid_sample_backward(const Tensor& dx, const Tensor& dgrid, const Tensor& dy, const Tensor& x, const Tensor& grid,
                          const math::GridShape& s, const GridSampleOptions& o);

}  // namespace gw::kernels::cuda
