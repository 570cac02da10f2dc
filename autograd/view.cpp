// The differentiable views and conversions of Tensor: the gradient of a view is the same view taken backwards.
#include <fmt/format.h>

#include "autograd/autograd.h"
#include "kernels/elementwise.h"
#include "kernels/transfer.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw {
namespace {

Tensor raw_reshape(const Tensor& x, const Shape& shape) {
  if (auto view = views::try_view(x, shape)) return *view;
  return views::as_strided(kernels::contiguous(x), shape, contiguous_strides(shape), 0);
}

/// Zeros of x's shape into which `place` puts the gradient: the backward pass of every view that leaves elements out.
template <class Place>
Grads scatter_into_zeros(const Shape& shape, const Tensor& dy, const Place& place) {
  const Tensor dx = zeros(shape, {.dtype = dy.dtype(), .device = dy.device()});
  kernels::copy(place(dx), dy);
  return Grads{dx};
}

Tensor reshape_recorded(const char* name, const Tensor& x, const Tensor& y) {
  return record(name, y, {x}, [shape = x.shape()](const Tensor& dy) { return Grads{raw_reshape(dy, shape)}; });
}

}  // namespace

Tensor Tensor::reshape(const Shape& shape) const {
  return reshape_recorded("reshape", *this, raw_reshape(*this, views::infer_shape(shape, numel(), "reshape")));
}

Tensor Tensor::view(const Shape& shape) const {
  const auto y = views::try_view(*this, views::infer_shape(shape, numel(), "view"));
  if (!y)
    throw ShapeError(fmt::format("view: strides {} of shape {} do not allow a view of shape {}; use reshape",
                                 strides().to_string(), this->shape().to_string(), shape.to_string()));
  return reshape_recorded("view", *this, *y);
}

Tensor Tensor::flatten(int64_t start_dim, int64_t end_dim) const {
  start_dim = normalize_dim(start_dim, dim(), "flatten");
  end_dim = normalize_dim(end_dim, dim(), "flatten");
  if (start_dim > end_dim)
    throw ShapeError(fmt::format("flatten: expected start_dim <= end_dim, got {} and {}", start_dim, end_dim));
  if (dim() == 0) return reshape({1});
  Shape flat;
  for (int64_t i = 0; i < dim(); ++i) {
    if (i > start_dim && i <= end_dim)
      flat[flat.size() - 1] *= shape()[i];
    else
      flat.push_back(shape()[i]);
  }
  return reshape(flat);
}

Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  return record("transpose", views::transpose(*this, dim0, dim1), {*this},
                [dim0, dim1](const Tensor& dy) { return Grads{views::transpose(dy, dim0, dim1)}; });
}

Tensor Tensor::t() const {
  if (dim() > 2) throw ShapeError(fmt::format("t: expected at most 2 dimensions, got shape {}", shape().to_string()));
  return dim() < 2 ? *this : transpose(0, 1);
}

Tensor Tensor::permute(const Shape& dims) const {
  Tensor y = views::permute(*this, dims);
  Shape inverse = dims;
  for (int64_t i = 0; i < dims.size(); ++i) inverse[normalize_dim(dims[i], dim(), "permute")] = i;
  return record("permute", y, {*this}, [inverse](const Tensor& dy) { return Grads{views::permute(dy, inverse)}; });
}

Tensor Tensor::unsqueeze(int64_t dim) const {
  return reshape_recorded("unsqueeze", *this, views::unsqueeze(*this, dim));
}

Tensor Tensor::squeeze(int64_t dim) const { return reshape_recorded("squeeze", *this, views::squeeze(*this, dim)); }

Tensor Tensor::squeeze() const {
  Tensor y = views::as_strided(*this, shape(), strides(), offset());
  for (int64_t d = y.dim() - 1; d >= 0; --d) y = views::squeeze(y, d);
  return reshape_recorded("squeeze", *this, y);
}

Tensor Tensor::expand(const Shape& shape) const {
  return record("expand", views::expand(*this, shape), {*this},
                [from = this->shape()](const Tensor& dy) { return Grads{sum_to_shape(dy, from)}; });
}

Tensor Tensor::select(int64_t dim, int64_t index) const {
  return record("select", views::select(*this, dim, index), {*this}, [shape = shape(), dim, index](const Tensor& dy) {
    return scatter_into_zeros(shape, dy, [&](const Tensor& dx) { return views::select(dx, dim, index); });
  });
}

Tensor Tensor::slice(int64_t dim, int64_t start, int64_t end, int64_t step) const {
  return record("slice", views::slice(*this, dim, start, end, step), {*this},
                [shape = shape(), dim, start, end, step](const Tensor& dy) {
                  return scatter_into_zeros(shape, dy,
                                            [&](const Tensor& dx) { return views::slice(dx, dim, start, end, step); });
                });
}

Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  const int64_t count = size(dim), first = start < 0 ? start + count : start;
  if (first < 0 || length < 0 || first + length > count)
    throw ShapeError(
        fmt::format("narrow: {} elements from {} do not lie in dimension {} of size {}", length, start, dim, count));
  return slice(dim, first, first + length);
}

Tensor Tensor::contiguous(MemoryFormat format) const {
  if (is_contiguous(format)) return *this;
  return record("contiguous", kernels::contiguous(*this, format), {*this}, [](const Tensor& dy) { return Grads{dy}; });
}

Tensor Tensor::clone(MemoryFormat format) const {
  const Tensor y = format == MemoryFormat::preserve ? empty_like(*this)
                                                    : empty(shape(), {.dtype = dtype(), .device = device()}, format);
  kernels::copy(y, *this);
  return record("clone", y, {*this}, [](const Tensor& dy) { return Grads{dy}; });
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == this->dtype()) return *this;
  const Tensor y = kernels::cast(*this, dtype);
  if (!is_floating(dtype)) return y;
  return record("to", y, {*this}, [from = this->dtype()](const Tensor& dy) { return Grads{kernels::cast(dy, from)}; });
}

Tensor Tensor::to(Device device) const {
  if (device == this->device()) return *this;
  const Tensor y = kernels::to_device(*this, device);
  return record("to", y, {*this}, [from = this->device()](const Tensor& dy) { return Grads{dy.to(from)}; });
}

}  // namespace gw
