// Loops of the index family. Outputs are allocated by the caller; indices are contiguous i64 and checked here.
#pragma once

#include <array>

#include "kernels/index_shape.h"
#include "tensor/tensor.h"

namespace gw::kernels::cpu {

void index_select(const Tensor& out, const Tensor& x, IndexShape x_shape, const Tensor& index);
void index_add(const Tensor& out, const Tensor& dy, IndexShape out_shape, const Tensor& index, int64_t skip);
void gather(const Tensor& out, const Tensor& x, int64_t dim, const Tensor& index);
void scatter_add(const Tensor& out, const Tensor& dy, int64_t dim, const Tensor& index);
void flip(const Tensor& out, const Tensor& x, const std::array<bool, Shape::kMaxDims>& reversed);

}  // namespace gw::kernels::cpu
