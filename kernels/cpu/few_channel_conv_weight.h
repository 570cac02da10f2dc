// The weight gradient of bf16 convolutions with hardly any input channels, such as a network's first one, with tile
// registers (tile_registers.h): all its sums fit into the registers, and it takes little longer than reading dy.
#pragma once

#include "kernels/conv_shape.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu {

/// True if few_channel_conv_backward_weight() can compute this and does so faster than tile_conv.h.
bool suits_few_channel_conv(const ConvShape& shape);

/// dw = gradient of the weight; db = gradient of the bias unless null. groups must be 1.
void few_channel_conv_backward_weight(const ConvShape& shape, const bf16* x, const bf16* dy, float* dw, float* db);

}  // namespace gw::kernels::cpu
