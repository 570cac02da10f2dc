#include "tensor/creation.h"

namespace gw {

Tensor empty(const Shape& shape, TensorOptions options, MemoryFormat format) {
  for (int64_t d : shape)
    if (d < 0) throw ShapeError("empty: expected sizes of at least 0, got " + shape.to_string());
  const Shape strides =
      format == MemoryFormat::channels_last ? channels_last_strides(shape) : contiguous_strides(shape);
  auto storage = std::make_shared<Storage>(static_cast<size_t>(shape.numel() * size_of(options.dtype)), options.device);
  Tensor t(std::move(storage), shape, strides, options.dtype);
  if (options.requires_grad) t.set_requires_grad();
  return t;
}

Tensor empty_like(const Tensor& like, DType dtype) {
  if (!like.is_dense()) return empty(like.shape(), {.dtype = dtype, .device = like.device()});
  auto storage = std::make_shared<Storage>(static_cast<size_t>(like.numel() * size_of(dtype)), like.device());
  return Tensor(std::move(storage), like.shape(), like.strides(), dtype);
}

Tensor empty_like(const Tensor& like) { return empty_like(like, like.dtype()); }

}  // namespace gw
