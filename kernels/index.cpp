#include "kernels/index.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/cpu/index.h"
#include "kernels/cuda/index.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

Tensor as_indices(const char* op, const Tensor& index) {
  if (is_floating(index.dtype()))
    throw DTypeError(fmt::format("{}: expected integer indices, got {}", op, name_of(index.dtype())));
  return contiguous(cast(index, DType::i64));
}

/// Contiguous memory seen as [outer, along, inner] around `dim`.
IndexShape index_shape(const Shape& shape, int64_t dim) {
  IndexShape s{1, shape[dim], 1};
  for (int64_t d = 0; d < dim; ++d) s.outer *= shape[d];
  for (int64_t d = dim + 1; d < shape.size(); ++d) s.inner *= shape[d];
  return s;
}

/// Sums of bf16 are kept in f32 until the end.
DType sum_dtype(DType dtype) { return dtype == DType::bf16 ? DType::f32 : dtype; }

void check_gather_shapes(const char* op, const Shape& x, const Shape& index, int64_t dim) {
  bool fits = x.size() == index.size();
  for (int64_t d = 0; fits && d < x.size(); ++d) fits = d == dim || index[d] <= x[d];
  if (!fits)
    throw ShapeError(fmt::format("{}: an index of shape {} does not fit {} along dimension {}", op, index.to_string(),
                                 x.to_string(), dim));
}

}  // namespace

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  check_same_device("index_select", {&x, &index});
  if (index.dim() > 1)
    throw ShapeError(fmt::format("index_select: expected a vector of indices, got {}", index.shape().to_string()));
  const Tensor source = contiguous(x.dim() == 0 ? views::unsqueeze(x, 0) : x);
  dim = normalize_dim(dim, x.dim(), "index_select");
  Shape shape = source.shape();
  shape[dim] = index.numel();
  const Tensor out = empty(shape, {.dtype = x.dtype(), .device = x.device()});
  GW_DISPATCH(x, index_select(out, source, index_shape(source.shape(), dim), as_indices("index_select", index)));
  return out;
}

Tensor index_add(const Tensor& dy, const Shape& shape, int64_t dim, const Tensor& index, int64_t skip) {
  dim = normalize_dim(dim, shape.size(), "index_add");
  const Tensor sums = zeros(shape, {.dtype = sum_dtype(dy.dtype()), .device = dy.device()});
  const Tensor terms = contiguous(cast(dy, sums.dtype()));
  GW_DISPATCH(dy, index_add(sums, terms, index_shape(shape, dim), as_indices("index_add", index), skip));
  return cast(sums, dy.dtype());
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  check_same_device("gather", {&x, &index});
  dim = normalize_dim(dim, x.dim(), "gather");
  check_gather_shapes("gather", x.shape(), index.shape(), dim);
  const Tensor out = empty(index.shape(), {.dtype = x.dtype(), .device = x.device()});
  GW_DISPATCH(x, gather(out, x, dim, as_indices("gather", index)));
  return out;
}

Tensor scatter_add(const Tensor& dy, const Shape& shape, int64_t dim, const Tensor& index) {
  dim = normalize_dim(dim, shape.size(), "scatter_add");
  check_gather_shapes("scatter_add", shape, index.shape(), dim);
  const Tensor sums = zeros(shape, {.dtype = sum_dtype(dy.dtype()), .device = dy.device()});
  const Tensor terms = contiguous(cast(dy, sums.dtype()));
  GW_DISPATCH(dy, scatter_add(sums, terms, dim, as_indices("scatter_add", index)));
  return cast(sums, dy.dtype());
}

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) throw ConfigError("cat: expected at least one tensor, got none");
  const Tensor& first = tensors.front();
  dim = normalize_dim(dim, first.dim(), "cat");
  if (first.dim() == 0) throw ShapeError("cat: scalars cannot be joined; use stack");
  Shape shape = first.shape();
  shape[dim] = 0;
  DType dtype = first.dtype();
  bool channels_last = true;
  for (const Tensor& t : tensors) {
    check_same_device("cat", {&first, &t});
    Shape expected = first.shape();
    if (t.dim() == first.dim()) expected[dim] = t.shape()[dim];
    if (t.shape() != expected)
      throw ShapeError(fmt::format("cat: shapes {} and {} differ in more than dimension {}", first.shape().to_string(),
                                   t.shape().to_string(), dim));
    shape[dim] += t.shape()[dim];
    dtype = promote(dtype, t.dtype());
    channels_last = channels_last && !t.is_contiguous() && t.is_contiguous(MemoryFormat::channels_last);
  }
  const Tensor out = empty(shape, {.dtype = dtype, .device = first.device()},
                           channels_last ? MemoryFormat::channels_last : MemoryFormat::contiguous);
  int64_t at = 0;
  for (const Tensor& t : tensors) {
    const int64_t length = t.shape()[dim];
    copy(views::slice(out, dim, at, at + length, 1), t);
    at += length;
  }
  return out;
}

Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, double value) {
  if (padding.size() % 2 != 0 || static_cast<int64_t>(padding.size() / 2) > x.dim())
    throw ShapeError(
        fmt::format("pad: expected pairs of counts for at most {} dimensions, got {} counts", x.dim(), padding.size()));
  Shape shape = x.shape();
  Tensor source = x;
  for (size_t i = 0; i < padding.size(); i += 2) {
    const int64_t dim = x.dim() - 1 - static_cast<int64_t>(i / 2), before = padding[i], after = padding[i + 1];
    shape[dim] += before + after;
    if (shape[dim] < 0)
      throw ShapeError(fmt::format("pad: {} and {} crop more than the {} elements of dimension {}", before, after,
                                   x.shape()[dim], dim));
    // What is cropped here is not copied below.
    const int64_t start = std::max<int64_t>(0, -before), end = x.shape()[dim] - std::max<int64_t>(0, -after);
    source = views::slice(source, dim, start, std::max(start, end), 1);
  }
  const bool channels_last = !x.is_contiguous() && x.is_contiguous(MemoryFormat::channels_last);
  const Tensor out = empty(shape, {.dtype = x.dtype(), .device = x.device()},
                           channels_last ? MemoryFormat::channels_last : MemoryFormat::contiguous);
  fill(out, value);
  Tensor inside = out;
  for (size_t i = 0; i < padding.size(); i += 2) {
    const int64_t dim = x.dim() - 1 - static_cast<int64_t>(i / 2), start = std::max<int64_t>(0, padding[i]);
    inside = views::slice(inside, dim, start, start + source.shape()[dim], 1);
  }
  copy(inside, source);
  return out;
}

Tensor flip(const Tensor& x, const Shape& dims) {
  std::array<bool, Shape::kMaxDims> reversed{};
  for (int64_t dim : dims) {
    const int64_t d = normalize_dim(dim, x.dim(), "flip");
    if (reversed[d]) throw ShapeError(fmt::format("flip: dimension {} stands twice in {}", dim, dims.to_string()));
    reversed[d] = x.dim() > 0;
  }
  const Tensor out = empty_like(x);
  GW_DISPATCH(x, flip(out, x, reversed));
  return out;
}

}  // namespace gw::kernels
