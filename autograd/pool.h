// Differentiable pooling of x [N, C, H, W] or one image [C, H, W]: gw::avg_pool2d(x, {.kernel = 2, .ceil_mode = true}).
#pragma once

#include "kernels/pool.h"
#include "tensor/tensor.h"

namespace gw {

/// Mean of each window. Options and errors: see kernels/pool.h.
Tensor avg_pool2d(const Tensor& x, const AvgPoolOptions& o);
/// x [N, C, H, W] and avg_pool2d(x), for the two ways through a residual block that halves the grid. Where their gradients
/// meet, one pass over memory makes x's of them.
struct ForkedPool {
  Tensor x, pooled;
};
ForkedPool fork_avg_pool2d(const Tensor& x, const AvgPoolOptions& o);
/// Largest element of each window; the gradient goes to that element.
Tensor max_pool2d(const Tensor& x, const PoolOptions& o);
/// Mean (largest) of windows that divide the input evenly into output_size.
Tensor adaptive_avg_pool2d(const Tensor& x, Size2 output_size);
Tensor adaptive_max_pool2d(const Tensor& x, Size2 output_size);
/// Mean over H and W: [N, C, H, W] -> [N, C].
Tensor global_avg_pool(const Tensor& x);

}  // namespace gw
