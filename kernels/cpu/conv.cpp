#include "kernels/cpu/conv.h"

#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/im2col_conv.h"
#include "kernels/cpu/onednn.h"
#include "kernels/elementwise.h"

namespace gw::kernels::cpu {
namespace {

Tensor as_f32(const Tensor& t) { return t.defined() ? cast(t, DType::f32) : t; }
float* floats(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

}  // namespace

ConvMethod choose_conv_method(const ConvShape& s, ConvPass pass, DType dtype) {
  // Tiles of our kernels are made of images.
  constexpr int64_t kFewImages = 8;
  const bool onednn_can =
      onednn::available() && (pass != ConvPass::backward_weight || onednn::computes_backward_weight(s, dtype));
  if (s.groups > 1 || s.n < kFewImages) return onednn_can ? ConvMethod::onednn : ConvMethod::im2col;
  if (dtype == DType::bf16 && onednn::has_amx()) {
    const bool small_grid = s.out_h * s.out_w <= 16 && s.in_c >= 64;
    return small_grid || !onednn_can ? ConvMethod::im2col : ConvMethod::onednn;
  }
  return ConvMethod::direct;
}

void conv_forward(ConvMethod m, const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias,
                  const Tensor& y) {
  const Tensor w32 = as_f32(w), bias32 = as_f32(bias);
  if (m == ConvMethod::onednn) return onednn::conv_forward(s, x.dtype(), x.raw(), floats(w32), floats(bias32), y.raw());
  visit_floating(x.dtype(), "conv2d", [&](auto type) {
    using T = decltype(type);
    const auto run = m == ConvMethod::direct ? direct_conv_forward<T> : im2col_conv_forward<T>;
    run(s, x.data<T>(), floats(w32), floats(bias32), y.data<T>());
  });
}

void conv_backward_input(ConvMethod m, const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx) {
  const Tensor w32 = as_f32(w);
  if (m == ConvMethod::onednn) return onednn::conv_backward_input(s, dy.dtype(), dy.raw(), floats(w32), dx.raw());
  visit_floating(dy.dtype(), "conv2d_backward_input", [&](auto type) {
    using T = decltype(type);
    const auto run = m == ConvMethod::direct ? direct_conv_backward_input<T> : im2col_conv_backward_input<T>;
    run(s, dy.data<T>(), floats(w32), dx.data<T>());
  });
}

void conv_backward_weight(ConvMethod m, const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw,
                          const Tensor& db) {
  if (m == ConvMethod::onednn)
    return onednn::conv_backward_weight(s, x.dtype(), x.raw(), dy.raw(), floats(dw), floats(db));
  visit_floating(x.dtype(), "conv2d_backward_weight", [&](auto type) {
    using T = decltype(type);
    const auto run = m == ConvMethod::direct ? direct_conv_backward_weight<T> : im2col_conv_backward_weight<T>;
    run(s, x.data<T>(), dy.data<T>(), floats(dw), floats(db));
  });
}

void conv_forward(const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& y) {
  conv_forward(choose_conv_method(s, ConvPass::forward, x.dtype()), s, x, w, bias, y);
}

void conv_backward_input(const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx) {
  conv_backward_input(choose_conv_method(s, ConvPass::backward_input, dy.dtype()), s, dy, w, dx);
}

void conv_backward_weight(const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw, const Tensor& db) {
  conv_backward_weight(choose_conv_method(s, ConvPass::backward_weight, x.dtype()), s, x, dy, dw, db);
}

}  // namespace gw::kernels::cpu
