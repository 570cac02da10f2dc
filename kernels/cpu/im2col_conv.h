// Convolution as matrix products on im2col matrices: plain, for every shape, and the tests' second opinion.
#pragma once

#include "kernels/conv_shape.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu {

/// y = conv2d(x, w) + bias; bias may be null. T is float or bf16.
template <class T>
void im2col_conv_forward(const ConvShape& shape, const T* x, const float* w, const float* bias, T* y);

/// dx = gradient of the input.
template <class T>
void im2col_conv_backward_input(const ConvShape& shape, const T* dy, const float* w, T* dx);

/// dw = gradient of the weight; db = gradient of the bias unless null.
template <class T>
void im2col_conv_backward_weight(const ConvShape& shape, const T* x, const T* dy, float* dw, float* db);

}  // namespace gw::kernels::cpu
