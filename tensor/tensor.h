// Tensor: a cheap handle on a strided view of a storage, with the fields that autograd needs.
//
// The methods that compute (sum, matmul, reshape, ...) are differentiable. They are declared here so that code reads as
// in PyTorch, and defined in autograd/, each beside its gradient.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace gw {

struct Node;
struct TensorImpl;

/// How a tensor is made: gw::zeros({2, 3}, {.dtype = DType::bf16}).
struct TensorOptions {
  DType dtype = DType::f32;
  Device device = kCpu;
  bool requires_grad = false;
};

/// A multi-dimensional array. Copying a Tensor copies the handle, never the data.
class Tensor {
 public:
  /// No tensor at all: defined() is false.
  Tensor() = default;
  explicit Tensor(std::shared_ptr<TensorImpl> impl) : impl_(std::move(impl)) {}
  /// A view of `storage`; ShapeError if it would reach outside.
  Tensor(std::shared_ptr<Storage> storage, const Shape& shape, const Shape& strides, DType dtype, int64_t offset = 0);

  // --- what it is
  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const;
  const Shape& strides() const;  ///< in elements
  int64_t dim() const;
  int64_t size(int64_t dim) const;  ///< negative dims count from the end
  int64_t numel() const;
  DType dtype() const;
  Device device() const;
  int64_t offset() const;  ///< first element, counted from the start of the storage
  const std::shared_ptr<Storage>& storage() const;
  /// True if the elements lie densely in this order.
  bool is_contiguous(MemoryFormat format = MemoryFormat::contiguous) const;
  /// True if the elements fill one gapless block of memory in some order of dimensions, each once.
  bool is_dense() const;

  // --- its elements
  /// Address of the first element; DTypeError unless T stores dtype().
  template <class T>
  T* data() const {
    check_dtype(dtype_of<T>());
    return static_cast<T*>(raw());
  }
  void* raw() const;
  /// The only element, as a number (i64 values beyond 2^53 lose precision). Waits for the device. ShapeError unless
  /// numel() is 1.
  double item() const;
  /// All elements in row-major order, converted to T. Waits for the device.
  template <class T>
  std::vector<T> to_vector() const;
  /// As PyTorch prints it: edge items only when large, columns aligned.
  std::string to_string() const;

  // --- autograd
  /// True for a leaf that collects a gradient and for all that is computed from one.
  bool requires_grad() const;
  /// Makes a leaf collect (or not collect) its gradient. AutogradError on the result of a recorded op; DTypeError
  /// unless floating.
  Tensor& set_requires_grad(bool value = true);
  bool is_leaf() const;
  /// The gradient that backward() accumulated; undefined if there is none.
  Tensor grad() const;
  void set_grad(Tensor grad);
  const std::shared_ptr<Node>& node() const;
  void set_node(std::shared_ptr<Node> node);
  /// The same data without its history: gradients do not flow through.
  Tensor detach() const;
  /// Adds d(this)/d(leaf) to the grad of every leaf this was computed from. `gradient` is the gradient of this tensor;
  /// it may be left out for a single element, where it is 1. Frees the graph unless `retain_graph`. AutogradError if
  /// nothing was recorded.
  void backward(const Tensor& gradient = {}, bool retain_graph = false) const;
  /// Counts the in-place changes of the storage.
  uint64_t version() const;

  // --- conversion (differentiable)
  Tensor to(DType dtype) const;
  Tensor to(Device device) const;
  Tensor contiguous(MemoryFormat format = MemoryFormat::contiguous) const;
  Tensor clone(MemoryFormat format = MemoryFormat::preserve) const;

  // --- views (differentiable; share the storage)
  /// One dimension may be -1. Copies where the strides do not allow a view; ShapeError if the counts differ.
  Tensor reshape(const Shape& shape) const;
  /// As reshape, but never copies: ShapeError where the strides do not allow it.
  Tensor view(const Shape& shape) const;
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  Tensor t() const;
  Tensor permute(const Shape& dims) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor squeeze() const;
  Tensor squeeze(int64_t dim) const;
  Tensor expand(const Shape& shape) const;  ///< -1 keeps a dimension
  Tensor select(int64_t dim, int64_t index) const;
  /// Elements start, start + step, ... below end along `dim`; negative positions count from the end, as in Python.
  Tensor slice(int64_t dim, int64_t start, int64_t end, int64_t step = 1) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;

  // --- arithmetic (differentiable, broadcasting)
  Tensor operator-() const;
  Tensor exp() const;
  Tensor log() const;
  Tensor sqrt() const;
  Tensor rsqrt() const;
  Tensor abs() const;
  Tensor pow(double exponent) const;
  Tensor sigmoid() const;
  Tensor tanh() const;
  Tensor relu() const;
  Tensor clamp(std::optional<double> min, std::optional<double> max) const;
  Tensor matmul(const Tensor& other) const;
  Tensor softmax(int64_t dim) const;
  Tensor log_softmax(int64_t dim) const;

  // --- reductions (differentiable but argmax and argmin). No dims: over all.
  Tensor sum(const Shape& dims = {}, bool keepdim = false) const;
  Tensor mean(const Shape& dims = {}, bool keepdim = false) const;
  Tensor var(const Shape& dims = {}, int64_t correction = 1, bool keepdim = false) const;
  Tensor std(const Shape& dims = {}, int64_t correction = 1, bool keepdim = false) const;
  Tensor amax(const Shape& dims = {}, bool keepdim = false) const;
  Tensor amin(const Shape& dims = {}, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  /// Values and i64 indices of the largest (smallest) elements along `dim`; the first one where several are equal.
  std::pair<Tensor, Tensor> max(int64_t dim, bool keepdim = false) const;
  std::pair<Tensor, Tensor> min(int64_t dim, bool keepdim = false) const;
  Tensor argmax(std::optional<int64_t> dim = {}, bool keepdim = false) const;
  Tensor argmin(std::optional<int64_t> dim = {}, bool keepdim = false) const;

  // --- in place. AutogradError on a tensor that autograd tracks, unless inside a NoGrad.
  Tensor& copy_(const Tensor& source);  ///< broadcasts, converts dtype and device
  Tensor& fill_(double value);
  Tensor& zero_();
  Tensor& add_(const Tensor& other, double alpha = 1);
  Tensor& add_(double value);
  Tensor& sub_(const Tensor& other);
  Tensor& mul_(const Tensor& other);
  Tensor& mul_(double value);
  Tensor& div_(const Tensor& other);
  Tensor& clamp_(std::optional<double> min, std::optional<double> max);

  TensorImpl* impl() const { return impl_.get(); }
  /// True if this handle is the only one on its storage, so that nobody would notice a change.
  bool is_sole_owner() const;

 private:
  void check_dtype(DType expected) const;
  TensorImpl& checked() const;

  std::shared_ptr<TensorImpl> impl_;
};

/// What a handle points to.
struct TensorImpl {
  std::shared_ptr<Storage> storage;
  Shape shape;
  Shape strides;
  int64_t offset = 0;
  DType dtype = DType::f32;
  bool requires_grad = false;
  Tensor grad;
  std::shared_ptr<Node> node;
};

// --- operators (differentiable, broadcasting). A number takes the tensor's dtype.
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator+(const Tensor& a, double b);
Tensor operator-(const Tensor& a, double b);
Tensor operator*(const Tensor& a, double b);
Tensor operator/(const Tensor& a, double b);
Tensor operator+(double a, const Tensor& b);
Tensor operator-(double a, const Tensor& b);
Tensor operator*(double a, const Tensor& b);
Tensor operator/(double a, const Tensor& b);

// --- comparisons: u8 tensors of 0 and 1
Tensor operator==(const Tensor& a, const Tensor& b);
Tensor operator!=(const Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor operator==(const Tensor& a, double b);
Tensor operator!=(const Tensor& a, double b);
Tensor operator<(const Tensor& a, double b);
Tensor operator<=(const Tensor& a, double b);
Tensor operator>(const Tensor& a, double b);
Tensor operator>=(const Tensor& a, double b);

/// Prints as to_string().
std::ostream& operator<<(std::ostream& out, const Tensor& t);

}  // namespace gw
