// Looking up and rearranging elements. Indices are i64; one out of range is a ShapeError that names it and its limit.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace gw::kernels {

/// The slices of x along `dim` that the vector `index` names, in its order. Any dtype.
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
/// Zeros of `shape` to whose slices along `dim` the slices of dy were added, each to the one that `index` names:
/// index_select backwards. Slices that meet are added in the order of the index, so results repeat. An index equal to
/// `skip` adds nothing.
Tensor index_add(const Tensor& dy, const Shape& shape, int64_t dim, const Tensor& index, int64_t skip = -1);

/// out[i][j][k] = x[i][index[i][j][k]][k] for dim 1, likewise for the others; of index's shape.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// Zeros of `shape` with dy[i][j][k] added at [i][index[i][j][k]][k]: gather backwards, in the order of dy.
Tensor scatter_add(const Tensor& dy, const Shape& shape, int64_t dim, const Tensor& index);

/// Tensors one after the other along `dim`. Keeps channels-last memory if all have it.
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim);
/// A border of `value`; `padding` as torch.nn.functional.pad takes it, last dimension first; negative counts crop.
Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, double value);
/// The order of elements along each of `dims` reversed.
Tensor flip(const Tensor& x, const Shape& dims);

}  // namespace gw::kernels
