// Direct convolution of bf16 activations with tile registers (tile_registers.h), for wide grids. The rows of the small
// matrix products are neighbouring pixels of an image: unlike those of tile_conv.h, which are images of the batch, they
// need zeros around the image, but what they read and write is contiguous, and an image at a time stays in the cache.
#pragma once

#include "kernels/conv_shape.h"
#include "kernels/cpu/column_moments.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu {

/// y = conv2d(x, w) + bias; bias may be null. groups must be 1. The moments are those of y before it is rounded.
void pixel_conv_forward(const ConvShape& shape, const bf16* x, const float* w, const float* bias, bf16* y,
                        ChannelMoments moments = {});

/// dx = gradient of the input from dy. groups must be 1.
void pixel_conv_backward_input(const ConvShape& shape, const bf16* dy, const float* w, bf16* dx);

}  // namespace gw::kernels::cpu
