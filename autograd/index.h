// Looking up, joining and rearranging, differentiable in the tensors that are read. Indices are i64 (u8 and i32 are
// taken too). An index out of range is a ShapeError that names it and its limit.
#pragma once

#include <optional>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

/// Rows of a table: weight [V, D], indices of any shape [...] -> [..., D]. The row `padding_idx` (negative: from the
/// end) gets no gradient.
Tensor embedding(const Tensor& weight, const Tensor& indices, std::optional<int64_t> padding_idx = {});
/// out[i][j][k] = x[i][index[i][j][k]][k] for dim 1, likewise for the others. `index` has as many dimensions as x, none
/// but `dim` longer than x's; the result has its shape.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// The slices of x along `dim` that the vector `index` names, in its order.
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);

/// Tensors one after the other along `dim`; all other sizes agree, dtypes are promoted. Vectors of no elements may stand
/// among tensors of any shape, as in PyTorch. ConfigError for no tensors.
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0);
/// Tensors of one shape along a new dimension `dim`.
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0);
/// A border of `value` around x. `padding` counts elements {before, after} for the last dimension, then for the one
/// before it, ...; a negative count crops.
Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, double value = 0);
/// x with the order of elements along each of `dims` reversed.
Tensor flip(const Tensor& x, const Shape& dims);
/// x rotated by `shifts[i]` places along `dims[i]`: what leaves at the end comes in at the front.
Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims);
/// i64 [..., classes] of zeros with a 1 at each index. `num_classes` of -1 means the largest index + 1 (and waits for
/// the device).
Tensor one_hot(const Tensor& indices, int64_t num_classes = -1);

}  // namespace gw
