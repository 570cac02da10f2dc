// Direct convolution of bf16 activations with tile registers (tile_registers.h). As in direct_conv.h the rows of the
// small matrix products are images of the batch, so that borders need no zeros; weights are rounded to bf16.
#pragma once

#include "kernels/conv_shape.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu {

/// y = conv2d(x, w) + bias; bias may be null. groups must be 1.
void tile_conv_forward(const ConvShape& shape, const bf16* x, const float* w, const float* bias, bf16* y);

/// dx = gradient of the input from dy. groups must be 1.
void tile_conv_backward_input(const ConvShape& shape, const bf16* dy, const float* w, bf16* dx);

/// dw = gradient of the weight; db = gradient of the bias unless null. groups must be 1.
void tile_conv_backward_weight(const ConvShape& shape, const bf16* x, const bf16* dy, float* dw, float* db);

}  // namespace gw::kernels::cpu
