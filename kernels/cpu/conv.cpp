#include "kernels/cpu/conv.h"

#include <algorithm>

#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/fma_vector.h"
#include "kernels/cpu/im2col_conv.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/pixel_conv.h"
#include "kernels/cpu/tile_conv.h"
#include "kernels/cpu/tile_registers.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels::cpu {
namespace {

Tensor as_f32(const Tensor& t) { return t.defined() ? cast(t, DType::f32) : t; }
float* floats(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

/// Makes tensors for the moments that are wanted.
ChannelMoments new_moments(BatchMoments* wanted, int64_t channels) {
  if (!wanted) return {};
  *wanted = {empty({channels}), empty({channels})};
  return {floats(wanted->mean), floats(wanted->variance), channels};
}

}  // namespace

// Measured on 2 cores of an Intel Xeon (Emerald Rapids, AVX-512, no AMX) with oneDNN 2.6, batch 1024, in milliseconds
// for forward / backward input / backward weight:
//                                      f32 direct            f32 oneDNN         bf16 direct       bf16 oneDNN
//   28x28, 16 -> 16, 5x5             25 /  26 /  24         30 /  26 /  31      26 / 26 / 24      51 / 45 /  54
//   28x28, 16 -> 32                  19 /  20 /  21         25 /  23 /  31      19 / 21 / 19      37 / 35 /  39
//   14x14, 64 -> 64, stride 2         9 /  10 /  11         11 /  15 /  15      10 /  9 / 14      18 / 19 /  26
//    4x4, 256 -> 256, stride 2       10 /  10 /  12         33 /  27 /  46       9 /  9 / 12      17 / 18 /  40
//    2x2, 256 -> 512                 12 /  12 /  14         82 /  24 /  70      11 / 11 / 14      42 / 24 /  98
//   28x28, 8 -> 8                     6 /   6 /   7          6 / 4.6 / 5.5       7 /  7 / 10       9 /  8 /  10
//   all of resnet-wide                 0.52 s                0.97 s              0.55 s            1.22 s
// (bf16 direct: half of what one core needed.) im2col: 1.9 s and 6.8 s. Without AMX, bf16 instructions do half the work
// of f32 ones, so that converting pays. With AMX (an Intel Xeon of 2.6 GHz, 2 cores), bf16, forward / backward input
// within training steps (oneDNN's weight gradients took two to thirty times as long as tiles):
//                                      tiles         pixel tiles    oneDNN
//   28x28, 16 -> 16, 5x5              9.5 / 10.1    5.6 / 5.3      6.5 / 7.5
//   28x28, 16 -> 32                   7.8 /  8.2    5.3 / 5.2      6.0 / 5.9
//   28x28, 32 -> 32, stride 2         6.1 /  4.2    4.0 / 4.0
//   14x14, 32 -> 64                   3.9 /  4.6    3.7 / 4.2
//   14x14, 64 -> 64, stride 2         3.5 /  2.7    4.6 / 4.2
//    7x7, 64 -> 128                   3.2 /  3.1    7.2 / 7.1
ConvMethod choose_conv_method(const ConvShape& s, ConvPass pass, DType dtype) {
  constexpr int64_t kFewImages = 8;  // our tiles are made of images
  const bool onednn_can =
      onednn::available() && (pass != ConvPass::backward_weight || onednn::computes_backward_weight(s, dtype));
  const ConvMethod library = onednn_can ? ConvMethod::onednn : ConvMethod::im2col;
  if (s.groups > 1 || s.n < kFewImages) return library;
  if (dtype == DType::bf16 && tile::in_hardware()) {
    if (pass == ConvPass::backward_weight) return ConvMethod::tiles;
    const int64_t pixels = pass == ConvPass::forward ? s.out_w : s.in_w / s.stride_w;  // of like steps in a row
    constexpr int64_t kWide = 14;
    return pixels >= kWide ? ConvMethod::pixel_tiles : ConvMethod::tiles;
  }
  // Half of every register would be empty.
  const int64_t columns = pass == ConvPass::backward_input ? s.in_c : s.out_c;
  if (dtype == DType::f32 && onednn_can && pass != ConvPass::forward && 2 * columns <= kLanes) return library;
  return ConvMethod::direct;
}

void conv_forward(ConvMethod m, const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias,
                  const Tensor& y, BatchMoments* moments) {
  const Tensor w32 = as_f32(w), bias32 = as_f32(bias);
  if (m == ConvMethod::onednn) return onednn::conv_forward(s, x.dtype(), x.raw(), floats(w32), floats(bias32), y.raw());
  if (m == ConvMethod::tiles) return tile_conv_forward(s, x.data<bf16>(), floats(w32), floats(bias32), y.data<bf16>());
  if (m == ConvMethod::pixel_tiles)
    return pixel_conv_forward(s, x.data<bf16>(), floats(w32), floats(bias32), y.data<bf16>(),
                              new_moments(moments, s.out_c));
  visit_floating(x.dtype(), "conv2d", [&](auto type) {
    using T = decltype(type);
    const auto run = m == ConvMethod::direct ? direct_conv_forward<T> : im2col_conv_forward<T>;
    run(s, x.data<T>(), floats(w32), floats(bias32), y.data<T>());
  });
}

void conv_backward_input(ConvMethod m, const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx) {
  const Tensor w32 = as_f32(w);
  if (m == ConvMethod::onednn) return onednn::conv_backward_input(s, dy.dtype(), dy.raw(), floats(w32), dx.raw());
  if (m == ConvMethod::tiles) return tile_conv_backward_input(s, dy.data<bf16>(), floats(w32), dx.data<bf16>());
  if (m == ConvMethod::pixel_tiles) return pixel_conv_backward_input(s, dy.data<bf16>(), floats(w32), dx.data<bf16>());
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
  if (m == ConvMethod::tiles || m == ConvMethod::pixel_tiles)
    return tile_conv_backward_weight(s, x.data<bf16>(), dy.data<bf16>(), floats(dw), floats(db));
  visit_floating(x.dtype(), "conv2d_backward_weight", [&](auto type) {
    using T = decltype(type);
    const auto run = m == ConvMethod::direct ? direct_conv_backward_weight<T> : im2col_conv_backward_weight<T>;
    run(s, x.data<T>(), dy.data<T>(), floats(dw), floats(db));
  });
}

void conv_forward(const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& y,
                  BatchMoments* moments) {
  conv_forward(choose_conv_method(s, ConvPass::forward, x.dtype()), s, x, w, bias, y, moments);
}

void conv_backward_input(const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx) {
  conv_backward_input(choose_conv_method(s, ConvPass::backward_input, dy.dtype()), s, dy, w, dx);
}

void conv_backward_weight(const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw, const Tensor& db) {
  conv_backward_weight(choose_conv_method(s, ConvPass::backward_weight, x.dtype()), s, x, dy, dw, db);
}

}  // namespace gw::kernels::cpu
