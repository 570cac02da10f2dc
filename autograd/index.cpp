#include "autograd/index.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "kernels/elementwise.h"
#include "kernels/index.h"
#include "kernels/reduce.h"
#include "tensor/creation.h"

namespace gw {

Tensor embedding(const Tensor& weight, const Tensor& indices, std::optional<int64_t> padding_idx) {
  if (weight.dim() != 2)
    throw ShapeError(fmt::format("embedding: expected a weight [V, D], got {}", weight.shape().to_string()));
  const int64_t skip = padding_idx ? normalize_dim(*padding_idx, weight.size(0), "embedding: padding_idx") : -1;
  const Tensor flat = indices.reshape({-1});
  const Tensor rows = record("embedding", kernels::index_select(weight, 0, flat), {weight},
                             [shape = weight.shape(), flat = saved(flat), skip](const Tensor& dy) {
                               return Grads{kernels::index_add(dy, shape, 0, flat, skip)};
                             });
  Shape shape = indices.shape();
  shape.push_back(weight.size(1));
  return rows.reshape(shape);
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  return record("gather", kernels::gather(x, dim, index), {x},
                [shape = x.shape(), dim, index = saved(index)](const Tensor& dy) {
                  return Grads{kernels::scatter_add(dy, shape, dim, index)};
                });
}

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  return record("index_select", kernels::index_select(x, dim, index), {x},
                [shape = x.shape(), dim, index = saved(index)](const Tensor& dy) {
                  return Grads{kernels::index_add(dy, shape, dim, index)};
                });
}

Tensor cat(const std::vector<Tensor>& all, int64_t dim) {
  std::vector<Tensor> tensors = all;
  std::erase_if(tensors, [](const Tensor& t) { return t.shape() == Shape{0}; });
  if (tensors.empty()) tensors = all;
  Tensor y = kernels::cat(tensors, dim);
  std::vector<int64_t> lengths;
  std::vector<DType> dtypes;
  for (const Tensor& t : tensors) {
    lengths.push_back(t.size(dim));
    dtypes.push_back(t.dtype());
  }
  return record("cat", y, std::span<const Tensor>(tensors), [lengths, dtypes, dim](const Tensor& dy) {
    Grads grads;
    int64_t at = 0;
    for (size_t i = 0; i < lengths.size(); ++i) {
      grads.push_back(kernels::cast(dy.narrow(dim, at, lengths[i]), dtypes[i]));
      at += lengths[i];
    }
    return grads;
  });
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) throw ConfigError("stack: expected at least one tensor, got none");
  std::vector<Tensor> rows;
  for (const Tensor& t : tensors) {
    if (t.shape() != tensors.front().shape())
      throw ShapeError(fmt::format("stack: expected tensors of one shape, got {} and {}",
                                   tensors.front().shape().to_string(), t.shape().to_string()));
    rows.push_back(t.unsqueeze(dim));
  }
  return cat(rows, dim);
}

Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, double value) {
  // Backwards, what was added is cropped, and what was cropped is added as zeros.
  std::vector<int64_t> inverse;
  for (int64_t count : padding) inverse.push_back(-count);
  return record("pad", kernels::pad(x, padding, value), {x},
                [inverse](const Tensor& dy) { return Grads{kernels::pad(dy, inverse, 0)}; });
}

Tensor flip(const Tensor& x, const Shape& dims) {
  return record("flip", kernels::flip(x, dims), {x},
                [dims](const Tensor& dy) { return Grads{kernels::flip(dy, dims)}; });
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims) {
  if (shifts.size() != dims.size())
    throw ShapeError(fmt::format("roll: expected as many shifts as dimensions, got {} and {}", shifts.to_string(),
                                 dims.to_string()));
  Tensor y = x;
  for (int64_t i = 0; i < dims.size(); ++i) {
    const int64_t size = x.size(dims[i]);
    if (size == 0) continue;
    const int64_t shift = (shifts[i] % size + size) % size;
    if (shift != 0) y = cat({y.narrow(dims[i], size - shift, shift), y.narrow(dims[i], 0, size - shift)}, dims[i]);
  }
  return y;
}

Tensor one_hot(const Tensor& indices, int64_t num_classes) {
  if (is_floating(indices.dtype()))
    throw DTypeError(fmt::format("one_hot: expected integer indices, got {}", name_of(indices.dtype())));
  if (indices.numel() == 0 && num_classes < 0)
    throw ShapeError("one_hot: the number of classes cannot be told from no indices");
  const auto highest = indices.numel() > 0 ? static_cast<int64_t>(kernels::amax(indices).item()) : -1;
  const auto lowest = indices.numel() > 0 ? static_cast<int64_t>(kernels::amin(indices).item()) : 0;
  const int64_t classes = num_classes < 0 ? highest + 1 : num_classes;
  if (lowest < 0 || highest >= classes)
    throw ShapeError(
        fmt::format("one_hot: index {} is out of range for {} classes", lowest < 0 ? lowest : highest, classes));
  const Tensor range = arange(0, static_cast<double>(classes), 1, {.dtype = DType::i64, .device = indices.device()});
  return kernels::cast(kernels::binary(kernels::Binary::eq, indices.unsqueeze(-1), range), DType::i64);
}

}  // namespace gw
