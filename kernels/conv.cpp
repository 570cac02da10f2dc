#include "kernels/conv.h"

#include <fmt/format.h>

#include "kernels/conv_shape.h"
#include "kernels/cpu/conv.h"
#include "kernels/cuda/conv.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

void check_options(const char* op, const ConvOptions& o) {
  const auto fail = [&](const char* what, Size2 value) {
    throw ConfigError(fmt::format("{}: {} ({}, {}) is not allowed", op, what, value.h, value.w));
  };
  if (o.stride.h < 1 || o.stride.w < 1) fail("stride", o.stride);
  if (o.padding.h < 0 || o.padding.w < 0) fail("padding", o.padding);
  if (o.dilation.h < 1 || o.dilation.w < 1) fail("dilation", o.dilation);
  if (o.groups < 1) throw ConfigError(fmt::format("{}: groups {} is not allowed", op, o.groups));
}

/// The sizes of the convolution of an input and a weight of these shapes; throws if they do not fit together.
ConvShape conv_shape(const char* op, const Shape& x, const Shape& w, const ConvOptions& o) {
  check_options(op, o);
  if (x.size() != 4) throw ShapeError(fmt::format("{}: expected an input [N, C, H, W], got {}", op, x.to_string()));
  if (w.size() != 4) throw ShapeError(fmt::format("{}: expected a weight [O, I, H, W], got {}", op, w.to_string()));
  if (w.numel() == 0) throw ShapeError(fmt::format("{}: weight {} is empty", op, w.to_string()));
  if (x[1] != w[1] * o.groups)
    throw ShapeError(
        fmt::format("{}: input has {} channels, weight {} expects {}", op, x[1], w.to_string(), w[1] * o.groups));
  if (w[0] % o.groups != 0)
    throw ShapeError(fmt::format("{}: {} output channels cannot be split into {} groups", op, w[0], o.groups));
  ConvShape s{.n = x[0],
              .in_c = x[1],
              .in_h = x[2],
              .in_w = x[3],
              .out_c = w[0],
              .out_h = 0,
              .out_w = 0,
              .kernel_h = w[2],
              .kernel_w = w[3],
              .stride_h = o.stride.h,
              .stride_w = o.stride.w,
              .pad_h = o.padding.h,
              .pad_w = o.padding.w,
              .dilation_h = o.dilation.h,
              .dilation_w = o.dilation.w,
              .groups = o.groups};
  s.out_h = conv_output_size(s.in_h, s.kernel_h, s.stride_h, s.pad_h, s.dilation_h);
  s.out_w = conv_output_size(s.in_w, s.kernel_w, s.stride_w, s.pad_w, s.dilation_w);
  if (s.out_h < 1 || s.out_w < 1)
    throw ShapeError(fmt::format("{}: a weight {} does not fit into an input {} with padding ({}, {})", op,
                                 w.to_string(), x.to_string(), o.padding.h, o.padding.w));
  return s;
}

Shape output_shape(const ConvShape& s) { return {s.n, s.out_c, s.out_h, s.out_w}; }

void check_gradient(const char* op, const Tensor& dy, const ConvShape& s) {
  if (dy.shape() != output_shape(s))
    throw ShapeError(
        fmt::format("{}: expected a gradient {}, got {}", op, output_shape(s).to_string(), dy.shape().to_string()));
}

void check_floating(const char* op, const Tensor& t) {
  if (!is_floating(t.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, name_of(t.dtype())));
}

Tensor channels_last(const Tensor& t) { return contiguous(t, MemoryFormat::channels_last); }

Tensor new_channels_last(const Shape& shape, DType dtype, Device device) {
  return empty(shape, {.dtype = dtype, .device = device}, MemoryFormat::channels_last);
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& o, BatchMoments* moments) {
  const ConvShape s = conv_shape("conv2d", x.shape(), weight.shape(), o);
  check_same_device("conv2d", {&x, &weight, &bias});
  check_floating("conv2d", x);
  check_floating("conv2d", weight);
  if (bias.defined() && bias.shape() != Shape{s.out_c})
    throw ShapeError(fmt::format("conv2d: expected a bias [{}], got {}", s.out_c, bias.shape().to_string()));
  const Tensor y = new_channels_last(output_shape(s), x.dtype(), x.device());
  if (y.numel() == 0) return y;
  const Tensor dense_bias = bias.defined() ? contiguous(bias) : bias;
  GW_DISPATCH(x, conv_forward(s, channels_last(x), channels_last(weight), dense_bias, y, moments));
  return y;
}

Tensor conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& x_shape, const ConvOptions& o) {
  constexpr auto kOp = "conv2d_backward_input";
  const ConvShape s = conv_shape(kOp, x_shape, weight.shape(), o);
  check_same_device(kOp, {&dy, &weight});
  check_floating(kOp, dy);
  check_floating(kOp, weight);
  check_gradient(kOp, dy, s);
  const Tensor dx = new_channels_last(x_shape, dy.dtype(), dy.device());
  if (dx.numel() == 0) return dx;
  GW_DISPATCH(dy, conv_backward_input(s, channels_last(dy), channels_last(weight), dx));
  return dx;
}

ConvWeightGrads conv2d_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight_shape, bool need_bias,
                                       const ConvOptions& o) {
  constexpr auto kOp = "conv2d_backward_weight";
  const ConvShape s = conv_shape(kOp, x.shape(), weight_shape, o);
  check_same_device(kOp, {&dy, &x});
  check_floating(kOp, x);
  check_gradient(kOp, dy, s);
  if (dy.dtype() != x.dtype())
    throw DTypeError(fmt::format("{}: gradient is {}, input is {}", kOp, name_of(dy.dtype()), name_of(x.dtype())));
  ConvWeightGrads grads{new_channels_last(weight_shape, DType::f32, x.device()), {}};
  if (need_bias) grads.bias = empty({s.out_c}, {.device = x.device()});
  if (s.n == 0) {
    fill(grads.weight, 0);
    if (need_bias) fill(grads.bias, 0);
    return grads;
  }
  GW_DISPATCH(x, conv_backward_weight(s, channels_last(x), channels_last(dy), grads.weight, grads.bias));
  return grads;
}

}  // namespace gw::kernels
