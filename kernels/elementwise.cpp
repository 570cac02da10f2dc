#include "kernels/elementwise.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "kernels/cpu/elementwise.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/dispatch.h"
#include "kernels/transfer.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

const char* name_of(Unary op) {
  switch (op) {
    case Unary::neg:
      return "neg";
    case Unary::exp:
      return "exp";
    case Unary::log:
      return "log";
    case Unary::sqrt:
      return "sqrt";
    case Unary::rsqrt:
      return "rsqrt";
    case Unary::abs:
      return "abs";
    case Unary::sign:
      return "sign";
    case Unary::square:
      return "square";
    case Unary::reciprocal:
      return "reciprocal";
    case Unary::sigmoid:
      return "sigmoid";
    case Unary::tanh:
      return "tanh";
    case Unary::relu:
      return "relu";
  }
  return "unary";
}

const char* name_of(Binary op) {
  switch (op) {
    case Binary::add:
      return "add";
    case Binary::sub:
      return "sub";
    case Binary::mul:
      return "mul";
    case Binary::div:
      return "div";
    case Binary::pow:
      return "pow";
    case Binary::maximum:
      return "maximum";
    case Binary::minimum:
      return "minimum";
    case Binary::eq:
      return "eq";
    case Binary::ne:
      return "ne";
    case Binary::lt:
      return "lt";
    case Binary::le:
      return "le";
    case Binary::gt:
      return "gt";
    case Binary::ge:
      return "ge";
  }
  return "binary";
}

bool is_comparison(Binary op) { return op >= Binary::eq; }
bool needs_floats(Binary op) { return op == Binary::div || op == Binary::pow; }

void require_floating(const char* op, DType dtype) {
  if (!is_floating(dtype)) throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, gw::name_of(dtype)));
}

Tensor expanded(const Tensor& t, const Shape& shape) { return t.shape() == shape ? t : views::expand(t, shape); }

/// An output of `shape`, laid out as the first of the operands that has that shape densely.
Tensor output_like(std::initializer_list<const Tensor*> operands, const Shape& shape, DType dtype) {
  for (const Tensor* t : operands)
    if (t->shape() == shape && t->is_dense()) return empty_like(*t, dtype);
  return empty(shape, {.dtype = dtype, .device = (*operands.begin())->device()});
}

/// x in the dtype in which it meets `number`: an integer becomes f32 beside a number with a fraction.
Tensor beside_number(const Tensor& x, double number) {
  const bool whole = number == std::trunc(number) && std::isfinite(number);
  return is_floating(x.dtype()) || whole ? x : cast(x, DType::f32);
}

Tensor binary_number(Binary op, const Tensor& tensor, double number, bool number_first) {
  const Tensor x = beside_number(tensor, number);
  if (needs_floats(op)) require_floating(name_of(op), x.dtype());
  const Tensor out = output_like({&x}, x.shape(), is_comparison(op) ? DType::u8 : x.dtype());
  GW_DISPATCH(x, binary_number(op, out, x, number, number_first));
  return out;
}

/// Checks that b can be read as a's shape; ShapeError otherwise.
Tensor expanded_into(const char* op, const Tensor& a, const Tensor& b) {
  check_same_device(op, {&a, &b});
  if (broadcast_shapes(a.shape(), b.shape(), op) != a.shape())
    throw ShapeError(fmt::format("{}: expected a shape that broadcasts to {}, got {}", op, a.shape().to_string(),
                                 b.shape().to_string()));
  return expanded(cast(b, a.dtype()), a.shape());
}

}  // namespace

void check_same_device(const char* op, std::initializer_list<const Tensor*> tensors) {
  const Tensor* first = nullptr;
  for (const Tensor* t : tensors) {
    if (!t->defined()) continue;
    if (!first) first = t;
    if (t->device() != first->device())
      throw DeviceError(fmt::format("{}: expected all tensors on {}, got one on {}", op, first->device().to_string(),
                                    t->device().to_string()));
  }
}

Tensor unary(Unary op, const Tensor& x) {
  if (!is_floating(x.dtype()) && op != Unary::neg && op != Unary::abs && op != Unary::sign && op != Unary::square &&
      op != Unary::relu)
    require_floating(name_of(op), x.dtype());
  const Tensor out = empty_like(x);
  GW_DISPATCH(x, unary(op, out, x));
  return out;
}

Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  check_same_device(name_of(op), {&a, &b});
  const DType dtype = promote(a.dtype(), b.dtype());
  if (needs_floats(op)) require_floating(name_of(op), dtype);
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), name_of(op));
  const Tensor left = cast(a, dtype), right = cast(b, dtype);
  const Tensor out = output_like({&left, &right}, shape, is_comparison(op) ? DType::u8 : dtype);
  GW_DISPATCH(a, binary(op, out, expanded(left, shape), expanded(right, shape)));
  return out;
}

Tensor binary(Binary op, const Tensor& a, double b) { return binary_number(op, a, b, false); }

Tensor binary(Binary op, double a, const Tensor& b) {
  // A comparison with the number on the left is the mirrored one with it on the right.
  switch (op) {
    case Binary::lt:
      return binary_number(Binary::gt, b, a, false);
    case Binary::le:
      return binary_number(Binary::ge, b, a, false);
    case Binary::gt:
      return binary_number(Binary::lt, b, a, false);
    case Binary::ge:
      return binary_number(Binary::le, b, a, false);
    default:
      return binary_number(op, b, a, true);
  }
}

Tensor add(const Tensor& a, const Tensor& b, double alpha) {
  check_same_device("add", {&a, &b});
  const DType dtype = promote(a.dtype(), b.dtype());
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), "add");
  const Tensor left = cast(a, dtype), right = cast(b, dtype);
  const Tensor out = output_like({&left, &right}, shape, dtype);
  GW_DISPATCH(a, add_scaled(out, expanded(left, shape), expanded(right, shape), alpha));
  return out;
}

void add_(const Tensor& a, const Tensor& b, double alpha) {
  const Tensor right = expanded_into("add_", a, b);
  GW_DISPATCH(a, add_scaled(a, a, right, alpha));
  a.storage()->bump_version();
}

void binary_(Binary op, const Tensor& a, const Tensor& b) {
  if (needs_floats(op)) require_floating(name_of(op), a.dtype());
  const Tensor right = expanded_into(name_of(op), a, b);
  GW_DISPATCH(a, binary(op, a, a, right));
  a.storage()->bump_version();
}

void binary_(Binary op, const Tensor& a, double b) {
  if (needs_floats(op)) require_floating(name_of(op), a.dtype());
  if (!is_floating(a.dtype()) && b != std::trunc(b))
    throw DTypeError(
        fmt::format("{}: {} has a fraction, but the tensor holds {}", name_of(op), b, gw::name_of(a.dtype())));
  GW_DISPATCH(a, binary_number(op, a, a, b, false));
  a.storage()->bump_version();
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check_same_device("where", {&condition, &a, &b});
  const DType dtype = promote(a.dtype(), b.dtype());
  const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape(), "where"), "where");
  const Tensor mask = condition.dtype() == DType::u8 ? condition : binary(Binary::ne, condition, 0);
  const Tensor left = cast(a, dtype), right = cast(b, dtype);
  const Tensor out = output_like({&left, &right}, shape, dtype);
  GW_DISPATCH(a, where(out, expanded(mask, shape), expanded(left, shape), expanded(right, shape)));
  return out;
}

Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const Tensor out = empty_like(x);
  GW_DISPATCH(x, clamp(out, x, min.value_or(-kInf), max.value_or(kInf)));
  return out;
}

void fill(const Tensor& x, double value) {
  GW_DISPATCH(x, fill(x, value));
  x.storage()->bump_version();
}

void copy(const Tensor& destination, const Tensor& source) {
  if (broadcast_shapes(destination.shape(), source.shape(), "copy") != destination.shape())
    throw ShapeError(fmt::format("copy: shape {} does not broadcast to {}", source.shape().to_string(),
                                 destination.shape().to_string()));
  const Tensor near = to_device(source, destination.device());
  GW_DISPATCH(destination, copy(destination, expanded(near, destination.shape())));
  destination.storage()->bump_version();
}

Tensor contiguous(const Tensor& x, MemoryFormat format) {
  if (x.is_contiguous(format)) return x;
  const Tensor out =
      empty(x.shape(), {.dtype = x.dtype(), .device = x.device()},
            format == MemoryFormat::channels_last ? MemoryFormat::channels_last : MemoryFormat::contiguous);
  copy(out, x);
  return out;
}

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  const Tensor out = empty_like(x, dtype);
  copy(out, x);
  return out;
}

}  // namespace gw::kernels
