#include "kernels/activation.h"

#include <fmt/format.h>

#include "kernels/cpu/activation.h"
#include "kernels/cuda/activation.h"
#include "kernels/dispatch.h"
#include "kernels/layout.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

const char* name_of(Activation f) {
  switch (f) {
    case Activation::silu:
      return "silu";
    case Activation::gelu:
    case Activation::gelu_tanh:
      return "gelu";
    case Activation::softplus:
      return "softplus";
    case Activation::elu:
      return "elu";
    case Activation::hardtanh:
      return "hardtanh";
    case Activation::mish:
      return "mish";
  }
  return "activation";
}

void check_floating(const char* op, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, gw::name_of(x.dtype())));
}

void check_pair(const char* op, const Tensor& a, const Tensor& b) {
  check_floating(op, a);
  check_same_device(op, {&a, &b});
  if (a.shape() != b.shape())
    throw ShapeError(fmt::format("{}: expected operands of one shape, got {} and {}", op, a.shape().to_string(),
                                 b.shape().to_string()));
  if (a.dtype() != b.dtype())
    throw DTypeError(fmt::format("{}: expected operands of one dtype, got {} and {}", op, gw::name_of(a.dtype()),
                                 gw::name_of(b.dtype())));
}

}  // namespace

Tensor general_relu(const Tensor& x, const GeneralReluOptions& o) {
  check_floating("general_relu", x);
  const Tensor in = dense(x), y = empty_like(in);
  GW_DISPATCH(x, general_relu(y, in, o));
  return y;
}

Tensor general_relu_backward(const Tensor& dy, const Tensor& x, const GeneralReluOptions& o) {
  check_pair("general_relu_backward", dy, x);
  const Tensor in = dense(x), dx = empty_like(in);
  GW_DISPATCH(x, general_relu_backward(dx, with_layout_of(in, dy), in, o));
  return dx;
}

Tensor general_relu_backward_from_output(const Tensor& dy, const Tensor& y, const GeneralReluOptions& o) {
  check_pair("general_relu_backward_from_output", dy, y);
  if (!o.derivative_from_output())
    throw ConfigError("general_relu_backward_from_output: expected leak >= 0 and no maxv, which hide the input's sign");
  const Tensor out = dense(y), dx = empty_like(out);
  GW_DISPATCH(y, general_relu_backward_from_output(dx, with_layout_of(out, dy), out, o));
  return dx;
}

Tensor add_general_relu(const Tensor& a, const Tensor& b, const GeneralReluOptions& o) {
  check_pair("add_general_relu", a, b);
  const Tensor left = dense(a), y = empty_like(left);
  GW_DISPATCH(a, add_general_relu(y, left, with_layout_of(left, b), o));
  return y;
}

Tensor activation(Activation f, const Tensor& x, ActivationParams p) {
  check_floating(name_of(f), x);
  const Tensor in = dense(x), y = empty_like(in);
  GW_DISPATCH(x, activation(f, y, in, p));
  return y;
}

Tensor activation_backward(Activation f, const Tensor& dy, const Tensor& x, ActivationParams p) {
  check_pair(name_of(f), dy, x);
  const Tensor in = dense(x), dx = empty_like(in);
  GW_DISPATCH(x, activation_backward(f, dx, with_layout_of(in, dy), in, p));
  return dx;
}

}  // namespace gw::kernels
