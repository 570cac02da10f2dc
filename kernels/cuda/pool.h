// The GPU's pools, on memory as the geometry describes it.
#pragma once

#include "kernels/math/pool.h"
#include "tensor/tensor.h"

namespace gw::kernels::cuda {

void avg_pool(const Tensor& y, const Tensor& x, const math::PoolGeometry& g);
/// dx = the pool's gradient + `added`, which may be undefined.
void avg_pool_backward(const Tensor& dx, const Tensor& dy, const Tensor& added, const math::PoolGeometry& g);
void max_pool(const Tensor& y, const Tensor& indices, const Tensor& x, const math::PoolGeometry& g);
void max_pool_backward(const Tensor& dx, const Tensor& dy, const Tensor& indices, const math::PoolGeometry& g);

}  // namespace gw::kernels::cuda
