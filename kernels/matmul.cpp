#include "kernels/matmul.h"

#include <fmt/format.h>

#include <atomic>

#include "kernels/cpu/matmul.h"
#include "kernels/cuda/matmul.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw {
namespace {

std::atomic<bool> tf32_allowed{false};

}  // namespace

void set_allow_tf32(bool allow) { tf32_allowed = allow; }
bool allow_tf32() { return tf32_allowed; }

}  // namespace gw

namespace gw::kernels {
namespace {

void check_floating(const char* op, const Tensor& a, const Tensor& b) {
  if (!is_floating(a.dtype()) || !is_floating(b.dtype()))
    throw DTypeError(
        fmt::format("{}: expected f32 or bf16, got {} and {}", op, name_of(a.dtype()), name_of(b.dtype())));
}

/// All dimensions but the last two.
Shape batch_of(const Shape& shape) { return {shape.begin(), shape.end() - 2}; }

Shape with_matrix(Shape batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

/// One 2-D matrix on the right and rows that lie evenly on the left: the batches of a are just more rows.
std::optional<Tensor> as_one_matrix(const Tensor& a, const Tensor& b) {
  if (a.dim() == 2 || b.dim() != 2 || a.numel() == 0) return {};
  return views::try_view(a, {a.numel() / a.size(-1), a.size(-1)});
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, std::optional<DType> dtype) {
  if (a.dim() == 0 || b.dim() == 0)
    throw ShapeError(fmt::format("matmul: expected at least one dimension, got {} and {}", a.shape().to_string(),
                                 b.shape().to_string()));
  check_same_device("matmul", {&a, &b});
  check_floating("matmul", a, b);
  const DType result = dtype.value_or(promote(a.dtype(), b.dtype()));
  if (!is_floating(result)) throw DTypeError(fmt::format("matmul: the result cannot be {}", name_of(result)));
  if (a.dim() == 1) return views::select(matmul(views::unsqueeze(a, 0), b, result), b.dim() == 1 ? 0 : -2, 0);
  if (b.dim() == 1) return views::select(matmul(a, views::unsqueeze(b, 1), result), -1, 0);
  if (a.size(-1) != b.size(-2))
    throw ShapeError(fmt::format("matmul: {} x {}: {} columns do not meet {} rows", a.shape().to_string(),
                                 b.shape().to_string(), a.size(-1), b.size(-2)));
  const Shape batch = broadcast_shapes(batch_of(a.shape()), batch_of(b.shape()), "matmul");
  const Tensor c = empty(with_matrix(batch, a.size(-2), b.size(-1)), {.dtype = result, .device = a.device()});
  if (c.numel() == 0) return c;
  if (const auto rows = as_one_matrix(a, b)) {
    GW_DISPATCH(a, matmul(*rows, b, {}, *views::try_view(c, {rows->size(0), b.size(-1)})));
    return c;
  }
  GW_DISPATCH(a, matmul(views::expand(a, with_matrix(batch, a.size(-2), a.size(-1))),
                        views::expand(b, with_matrix(batch, b.size(-2), b.size(-1))), {}, c));
  return c;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.dim() != 2 || x.dim() == 0 || x.size(-1) != weight.size(1))
    throw ShapeError(fmt::format("linear: input {}, weight {}: expected [..., in] and [out, in]", x.shape().to_string(),
                                 weight.shape().to_string()));
  if (bias.defined() && bias.shape() != Shape{weight.size(0)})
    throw ShapeError(fmt::format("linear: expected a bias [{}], got {}", weight.size(0), bias.shape().to_string()));
  check_same_device("linear", {&x, &weight, &bias});
  check_floating("linear", x, weight);
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  const int64_t rows = shape.numel();
  shape.push_back(weight.size(0));
  const Tensor y = empty(shape, {.dtype = x.dtype(), .device = x.device()});
  if (y.numel() == 0) return y;
  auto matrix = views::try_view(x, {rows, x.size(-1)});
  if (!matrix) matrix = views::try_view(contiguous(x), {rows, x.size(-1)});
  GW_DISPATCH(x, matmul(*matrix, views::transpose(weight, 0, 1), bias, *views::try_view(y, {rows, weight.size(0)})));
  return y;
}

}  // namespace gw::kernels
