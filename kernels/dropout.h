// Dropout. The same call on the gradient with the same state is its backward pass: no mask is kept.
#pragma once

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace gw::kernels {

/// x with each element zeroed with probability p, the others divided by 1 - p. Element i in row-major order draws word
/// i from `state`, whatever the layout. Contiguous f32 or bf16: one read and one write per element; other layouts go
/// through a mask.
Tensor dropout(const Tensor& x, double p, PhiloxState state);
/// The same for whole channels of x [N, C, ...]: channel c of item n draws word n * C + c.
Tensor dropout_channels(const Tensor& x, double p, PhiloxState state);

}  // namespace gw::kernels
