// Direct convolution written for this engine: small matrix products at each output position, their rows the images of
// the batch.
//
// At one output position every image has the same set of kernel taps inside the input, so a tile of images needs no
// zero padding and no im2col copy: y[n, oh, ow, :] = bias + sum over the valid taps of x[n, ih, iw, :] * w[tap]. On a
// 2x2 grid, im2col spends 5/9 of its work on zeros, on 4x4 31%.
#pragma once

#include "kernels/conv_shape.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu {

/// y = conv2d(x, w) + bias; bias may be null. T is float or bf16 (converted to float for the arithmetic). groups must
/// be 1.
template <class T>
void direct_conv_forward(const ConvShape& shape, const T* x, const float* w, const float* bias, T* y);

/// dx = gradient of the input from dy. groups must be 1.
template <class T>
void direct_conv_backward_input(const ConvShape& shape, const T* dy, const float* w, T* dx);

/// dw = gradient of the weight; db = gradient of the bias unless null. groups must be 1.
template <class T>
void direct_conv_backward_weight(const ConvShape& shape, const T* x, const T* dy, float* dw, float* db);

}  // namespace gw::kernels::cpu
