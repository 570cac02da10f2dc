#include "tensor/views.h"

#include <fmt/format.h>

#include <algorithm>

namespace gw::views {

Shape infer_shape(const Shape& shape, int64_t numel, const char* op) {
  Shape out = shape;
  int64_t known = 1, unknown = -1;
  for (int64_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && unknown < 0) {
      unknown = i;
    } else if (shape[i] < 0) {
      throw ShapeError(
          fmt::format("{}: expected sizes of at least 0 and at most one -1, got {}", op, shape.to_string()));
    } else {
      known *= shape[i];
    }
  }
  if (unknown >= 0 && known != 0 && numel % known == 0) out[unknown] = numel / known;
  if (out.numel() != numel || (unknown >= 0 && out[unknown] < 0))
    throw ShapeError(fmt::format("{}: {} elements do not fit shape {}", op, numel, shape.to_string()));
  return out;
}

std::optional<Tensor> try_view(const Tensor& t, const Shape& shape) {
  if (t.numel() == 0 || t.is_contiguous()) return as_strided(t, shape, contiguous_strides(shape), t.offset());
  Tensor dense = t;
  for (int64_t d = dense.dim() - 1; d >= 0; --d) dense = squeeze(dense, d);
  // From the back: every run of old dimensions whose strides follow from one another must be cut up exactly by new
  // dimensions.
  Shape strides = shape;
  int64_t next = shape.size() - 1;
  for (int64_t d = dense.dim() - 1; d >= 0; --d) {
    const int64_t stride = dense.strides()[d];
    int64_t run = dense.shape()[d], filled = 1;
    while (d > 0 && dense.strides()[d - 1] == stride * run) run *= dense.shape()[--d];
    while (next >= 0 && (filled < run || shape[next] == 1)) {
      strides[next] = stride * filled;
      filled *= shape[next--];
    }
    if (filled != run) return std::nullopt;
  }
  while (next >= 0) strides[next--] = 1;
  return as_strided(t, shape, strides, t.offset());
}

Tensor as_strided(const Tensor& t, const Shape& shape, const Shape& strides, int64_t offset) {
  return Tensor(t.storage(), shape, strides, t.dtype(), offset);
}

Tensor transpose(const Tensor& t, int64_t dim0, int64_t dim1) {
  dim0 = normalize_dim(dim0, t.dim(), "transpose");
  dim1 = normalize_dim(dim1, t.dim(), "transpose");
  Shape shape = t.shape(), strides = t.strides();
  if (t.dim() > 0) {
    std::swap(shape[dim0], shape[dim1]);
    std::swap(strides[dim0], strides[dim1]);
  }
  return as_strided(t, shape, strides, t.offset());
}

Tensor permute(const Tensor& t, const Shape& dims) {
  if (dims.size() != t.dim())
    throw ShapeError(fmt::format("permute: expected {} dimensions, got {}", t.dim(), dims.to_string()));
  Shape shape, strides;
  std::array<bool, Shape::kMaxDims> seen{};
  for (int64_t dim : dims) {
    const int64_t d = normalize_dim(dim, t.dim(), "permute");
    if (seen[d]) throw ShapeError(fmt::format("permute: dimension {} stands twice in {}", d, dims.to_string()));
    seen[d] = true;
    shape.push_back(t.shape()[d]);
    strides.push_back(t.strides()[d]);
  }
  return as_strided(t, shape, strides, t.offset());
}

Tensor unsqueeze(const Tensor& t, int64_t dim) {
  dim = normalize_dim(dim, t.dim() + 1, "unsqueeze");
  Shape shape = t.shape(), strides = t.strides();
  const int64_t stride = dim < t.dim() ? strides[dim] * std::max<int64_t>(shape[dim], 1) : 1;
  shape.insert(dim, 1);
  strides.insert(dim, stride);
  return as_strided(t, shape, strides, t.offset());
}

Tensor squeeze(const Tensor& t, int64_t dim) {
  dim = normalize_dim(dim, t.dim(), "squeeze");
  if (t.dim() == 0 || t.shape()[dim] != 1) return as_strided(t, t.shape(), t.strides(), t.offset());
  Shape shape = t.shape(), strides = t.strides();
  shape.erase(dim);
  strides.erase(dim);
  return as_strided(t, shape, strides, t.offset());
}

Tensor expand(const Tensor& t, const Shape& shape) {
  const int64_t extra = shape.size() - t.dim();
  Shape out = shape, strides = Shape::filled(shape.size(), 0);
  bool fits = extra >= 0;
  for (int64_t i = 0; fits && i < shape.size(); ++i) {
    if (i < extra) {
      fits = out[i] >= 0;
      continue;
    }
    const int64_t size = t.shape()[i - extra];
    if (out[i] == -1) out[i] = size;
    if (out[i] == size) strides[i] = t.strides()[i - extra];
    fits = out[i] == size || size == 1;
  }
  if (!fits)
    throw ShapeError(
        fmt::format("expand: shape {} cannot be expanded to {}", t.shape().to_string(), shape.to_string()));
  return as_strided(t, out, strides, t.offset());
}

Tensor select(const Tensor& t, int64_t dim, int64_t index) {
  if (t.dim() == 0) throw ShapeError("select: a scalar has no dimension to select from");
  dim = normalize_dim(dim, t.dim(), "select");
  const int64_t size = t.shape()[dim];
  if (index < -size || index >= size)
    throw ShapeError(fmt::format("select: index {} is out of range for dimension {} of size {}", index, dim, size));
  if (index < 0) index += size;
  Shape shape = t.shape(), strides = t.strides();
  shape.erase(dim);
  strides.erase(dim);
  return as_strided(t, shape, strides, t.offset() + index * t.strides()[dim]);
}

Tensor slice(const Tensor& t, int64_t dim, int64_t start, int64_t end, int64_t step) {
  if (t.dim() == 0) throw ShapeError("slice: a scalar has no dimension to slice");
  if (step < 1) throw ShapeError(fmt::format("slice: expected a step of at least 1, got {}", step));
  dim = normalize_dim(dim, t.dim(), "slice");
  const int64_t size = t.shape()[dim];
  const auto clip = [size](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  start = clip(start);
  end = std::max(clip(end), start);
  Shape shape = t.shape(), strides = t.strides();
  shape[dim] = (end - start + step - 1) / step;
  const int64_t offset = shape[dim] > 0 ? start * strides[dim] : 0;
  strides[dim] *= step;
  return as_strided(t, shape, strides, t.offset() + offset);
}

}  // namespace gw::views
