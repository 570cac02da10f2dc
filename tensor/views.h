// Views: new shapes and strides on the same storage, without recording. The methods of Tensor of the same names record
// them.
#pragma once

#include <optional>

#include "tensor/tensor.h"

namespace gw::views {

/// `shape` with its -1, if any, worked out for `numel` elements; ShapeError if that cannot be.
Shape infer_shape(const Shape& shape, int64_t numel, const char* op);
/// A view of another shape, if the strides allow one. `shape` has no -1.
std::optional<Tensor> try_view(const Tensor& t, const Shape& shape);

Tensor as_strided(const Tensor& t, const Shape& shape, const Shape& strides, int64_t offset);
Tensor transpose(const Tensor& t, int64_t dim0, int64_t dim1);
Tensor permute(const Tensor& t, const Shape& dims);
Tensor unsqueeze(const Tensor& t, int64_t dim);
Tensor squeeze(const Tensor& t, int64_t dim);
Tensor expand(const Tensor& t, const Shape& shape);
Tensor select(const Tensor& t, int64_t dim, int64_t index);
Tensor slice(const Tensor& t, int64_t dim, int64_t start, int64_t end, int64_t step);

}  // namespace gw::views
