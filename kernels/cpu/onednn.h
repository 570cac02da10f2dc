// oneDNN, Intel's library of deep-learning primitives: convolutions and matrix products. All that knows its interface
// is onednn.cpp.
#pragma once

#include "kernels/conv_shape.h"
#include "kernels/cpu/gemm.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu::onednn {

/// True if this build contains oneDNN. Without it the functions below must not be called.
bool available();
/// True if oneDNN multiplies bf16 matrices with AMX tiles on this processor.
bool has_amx();

/// False for the convolutions that oneDNN gets wrong: 2.6 returns garbage from the bf16 weight gradient of a padded
/// kernel that moves with a stride over a single pixel.
bool computes_backward_weight(const ConvShape& shape, DType dtype);

/// y = conv2d(x, w) + bias. x and y are of `dtype` (f32 or bf16), channels-last; bias may be null.
void conv_forward(const ConvShape& shape, DType dtype, const void* x, const float* w, const float* bias, void* y);
/// dx = gradient of the input.
void conv_backward_input(const ConvShape& shape, DType dtype, const void* dy, const float* w, void* dx);
/// dw = gradient of the weight; db = gradient of the bias, unless null.
void conv_backward_weight(const ConvShape& shape, DType dtype, const void* x, const void* dy, float* dw, float* db);

/// True if matmul() takes this product: both operands of one dtype, no stride but 1 on one side of each.
bool can_multiply(const MatrixProduct& p);
/// The product by oneDNN's matmul primitive.
void matmul(const MatrixProduct& p);

}  // namespace gw::kernels::cpu::onednn
