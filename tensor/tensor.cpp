#include "tensor/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace gw {
namespace {

/// One past the last element that a view reaches, counted from its first.
int64_t extent(const Shape& shape, const Shape& strides) {
  int64_t last = 0;
  for (int64_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    last += (shape[i] - 1) * strides[i];
  }
  return last + 1;
}

/// Strides only matter along dimensions of more than one element.
bool same_layout(const Shape& shape, const Shape& strides, const Shape& expected) {
  for (int64_t i = 0; i < shape.size(); ++i)
    if (shape[i] > 1 && strides[i] != expected[i]) return false;
  return true;
}

}  // namespace

Tensor::Tensor(std::shared_ptr<Storage> storage, const Shape& shape, const Shape& strides, DType dtype,
               int64_t offset) {
  const int64_t reach = extent(shape, strides);
  const int64_t end = reach == 0 ? 0 : (offset + reach) * size_of(dtype);
  if (offset < 0 || end > static_cast<int64_t>(storage->bytes()))
    throw ShapeError(fmt::format("Tensor: a view of shape {} and strides {} at {} does not fit into {} bytes",
                                 shape.to_string(), strides.to_string(), offset, storage->bytes()));
  impl_ = std::make_shared<TensorImpl>();
  impl_->storage = std::move(storage);
  impl_->shape = shape;
  impl_->strides = strides;
  impl_->offset = offset;
  impl_->dtype = dtype;
}

TensorImpl& Tensor::checked() const {
  if (!impl_) throw Error("Tensor: an undefined tensor was used");
  return *impl_;
}

const Shape& Tensor::shape() const { return checked().shape; }
const Shape& Tensor::strides() const { return checked().strides; }
int64_t Tensor::dim() const { return checked().shape.size(); }
int64_t Tensor::size(int64_t dim) const {
  if (this->dim() == 0) throw ShapeError("size: a scalar has no dimensions");
  return shape()[normalize_dim(dim, this->dim(), "size")];
}
int64_t Tensor::numel() const { return checked().shape.numel(); }
DType Tensor::dtype() const { return checked().dtype; }
Device Tensor::device() const { return checked().storage->device(); }
int64_t Tensor::offset() const { return checked().offset; }
const std::shared_ptr<Storage>& Tensor::storage() const { return checked().storage; }
uint64_t Tensor::version() const { return checked().storage->version(); }

bool Tensor::is_contiguous(MemoryFormat format) const {
  const TensorImpl& t = checked();
  if (t.shape.numel() == 0) return true;
  if (format == MemoryFormat::preserve) return is_dense();
  if (format == MemoryFormat::channels_last)
    return t.shape.size() == 4 && same_layout(t.shape, t.strides, channels_last_strides(t.shape));
  return same_layout(t.shape, t.strides, contiguous_strides(t.shape));
}

bool Tensor::is_dense() const {
  const TensorImpl& t = checked();
  if (t.shape.numel() <= 1) return true;
  std::array<int, Shape::kMaxDims> order{};
  const auto end = order.begin() + t.shape.size();
  std::iota(order.begin(), end, 0);
  std::stable_sort(order.begin(), end, [&](int a, int b) { return t.strides[a] < t.strides[b]; });
  int64_t expected = 1;
  for (auto it = order.begin(); it != end; ++it) {
    if (t.shape[*it] == 1) continue;
    if (t.strides[*it] != expected) return false;
    expected *= t.shape[*it];
  }
  return true;
}

void* Tensor::raw() const {
  const TensorImpl& t = checked();
  return static_cast<char*>(t.storage->data()) + t.offset * size_of(t.dtype);
}

void Tensor::check_dtype(DType expected) const {
  if (dtype() != expected)
    throw DTypeError(fmt::format("data: the tensor holds {}, not {}", name_of(dtype()), name_of(expected)));
}

bool Tensor::is_sole_owner() const { return impl_.use_count() == 1 && impl_->storage.use_count() == 1; }

bool Tensor::requires_grad() const { return checked().requires_grad || impl_->node != nullptr; }
bool Tensor::is_leaf() const { return checked().node == nullptr; }
Tensor Tensor::grad() const { return checked().grad; }
void Tensor::set_grad(Tensor grad) { checked().grad = std::move(grad); }
const std::shared_ptr<Node>& Tensor::node() const { return checked().node; }
void Tensor::set_node(std::shared_ptr<Node> node) { checked().node = std::move(node); }

Tensor& Tensor::set_requires_grad(bool value) {
  TensorImpl& t = checked();
  if (t.node) throw AutogradError("set_requires_grad: expected a leaf, got the result of a recorded operation");
  if (value && !is_floating(t.dtype))
    throw DTypeError(fmt::format("set_requires_grad: expected f32 or bf16, got {}", name_of(t.dtype)));
  t.requires_grad = value;
  return *this;
}

Tensor Tensor::detach() const {
  const TensorImpl& t = checked();
  return Tensor(t.storage, t.shape, t.strides, t.dtype, t.offset);
}

}  // namespace gw
