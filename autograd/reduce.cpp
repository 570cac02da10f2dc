// The differentiable reductions of Tensor. The gradient of a reduced element goes back to all elements it was made of.
#include "kernels/reduce.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw {
namespace {

using kernels::Binary;

/// A reduced tensor with its reduced dimensions back as 1, and expanded to `shape`.
Tensor unreduce(const Tensor& t, const Shape& shape, const Shape& dims) {
  Shape kept = dims.empty() ? Shape::filled(shape.size(), 1) : shape;
  for (int64_t d : dims)
    if (!kept.empty()) kept[normalize_dim(d, shape.size(), "reduce")] = 1;
  const NoGrad no_grad;
  return views::expand(t.reshape(kept), shape);
}

int64_t reduced_count(const Shape& shape, const Shape& dims) {
  if (dims.empty()) return shape.numel();
  int64_t count = 1;
  for (int64_t d : dims)
    if (!shape.empty()) count *= shape[normalize_dim(d, shape.size(), "reduce")];
  return count;
}

/// The gradient of amax and amin: shared equally by all the elements that reach the extremum.
Tensor shared_among_equals(const Tensor& dy, const Tensor& x, const Tensor& y, const Shape& dims) {
  const Tensor hit = kernels::cast(kernels::binary(Binary::eq, x, unreduce(y, x.shape(), dims)), x.dtype());
  const Tensor count = kernels::sum(hit, dims, /*keepdim=*/true);
  return kernels::div(kernels::mul(hit, unreduce(dy, x.shape(), dims)), count);
}

Tensor extremum(const char* name, const Tensor& x, const Tensor& y, const Shape& dims) {
  return record(name, y, {x}, [x = saved(x), y = saved(y), dims](const Tensor& dy) {
    return Grads{shared_among_equals(dy, x, y, dims)};
  });
}

/// Values at `index` along `dim`, and the gradient that goes back to just these.
Tensor pick(const char* name, const Tensor& x, const Tensor& y, const Tensor& index, int64_t dim) {
  return record(name, y, {x}, [shape = x.shape(), index = saved(index), dim](const Tensor& dy) {
    const int64_t d = normalize_dim(dim, shape.size(), "max");
    Shape along = Shape::filled(shape.size(), 1);
    if (!shape.empty()) along[d] = shape[d];
    const NoGrad no_grad;
    const Tensor positions =
        arange(0, static_cast<double>(along.numel()), 1, {.dtype = DType::i64, .device = dy.device()}).reshape(along);
    const Tensor chosen = kernels::binary(Binary::eq, unreduce(index, shape, {dim}), positions);
    return Grads{
        kernels::where(chosen, unreduce(dy, shape, {dim}), scalar(0, {.dtype = dy.dtype(), .device = dy.device()}))};
  });
}

std::pair<Tensor, Tensor> extremum_along(const char* name, const Tensor& x, int64_t dim, bool keepdim, bool largest) {
  Tensor index = largest ? kernels::argmax(x, dim, keepdim) : kernels::argmin(x, dim, keepdim);
  Tensor y = largest ? kernels::amax(x, {dim}, keepdim) : kernels::amin(x, {dim}, keepdim);
  return {pick(name, x, y, index, dim), index};
}

Tensor position(const Tensor& x, std::optional<int64_t> dim, bool keepdim, bool largest) {
  const NoGrad no_grad;
  const Tensor input = dim ? x : x.reshape({-1});
  const Tensor index =
      largest ? kernels::argmax(input, dim.value_or(0), keepdim) : kernels::argmin(input, dim.value_or(0), keepdim);
  if (dim || !keepdim) return index;
  return index.reshape(Shape::filled(x.dim(), 1));
}

}  // namespace

Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  return record("sum", kernels::sum(*this, dims, keepdim), {*this},
                [shape = shape(), dims](const Tensor& dy) { return Grads{unreduce(dy, shape, dims)}; });
}

Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return record("mean", kernels::mean(*this, dims, keepdim), {*this}, [shape = shape(), dims](const Tensor& dy) {
    const double count = static_cast<double>(reduced_count(shape, dims));
    return Grads{unreduce(kernels::binary(Binary::div, dy, count), shape, dims)};
  });
}

Tensor Tensor::var(const Shape& dims, int64_t correction, bool keepdim) const {
  return record("var", kernels::var(*this, dims, correction, keepdim), {*this},
                [x = saved(*this), dims, correction](const Tensor& dy) {
                  const Shape& shape = x.get().shape();
                  const double degrees = static_cast<double>(reduced_count(shape, dims) - correction);
                  const Tensor centered = kernels::sub(x, kernels::mean(x, dims, /*keepdim=*/true));
                  const Tensor slope = kernels::mul(centered, 2.0 / degrees);
                  return Grads{kernels::mul(slope, unreduce(dy, shape, dims))};
                });
}

Tensor Tensor::std(const Shape& dims, int64_t correction, bool keepdim) const {
  return var(dims, correction, keepdim).sqrt();
}

Tensor Tensor::amax(const Shape& dims, bool keepdim) const {
  return extremum("amax", *this, kernels::amax(*this, dims, keepdim), dims);
}
Tensor Tensor::amin(const Shape& dims, bool keepdim) const {
  return extremum("amin", *this, kernels::amin(*this, dims, keepdim), dims);
}
Tensor Tensor::max() const { return amax(); }
Tensor Tensor::min() const { return amin(); }

std::pair<Tensor, Tensor> Tensor::max(int64_t dim, bool keepdim) const {
  return extremum_along("max", *this, dim, keepdim, true);
}
std::pair<Tensor, Tensor> Tensor::min(int64_t dim, bool keepdim) const {
  return extremum_along("min", *this, dim, keepdim, false);
}

Tensor Tensor::argmax(std::optional<int64_t> dim, bool keepdim) const { return position(*this, dim, keepdim, true); }
Tensor Tensor::argmin(std::optional<int64_t> dim, bool keepdim) const { return position(*this, dim, keepdim, false); }

}  // namespace gw
