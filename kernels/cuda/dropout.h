#pragma once

#include "kernels/dropout.h"

namespace gw::kernels::cuda {

/// Contiguous y and x.
void dropout(const Tensor& y, const Tensor& x, double p, PhiloxState state);
/// Contiguous f32.
void dropout_mask(const Tensor& mask, double p, PhiloxState state);

}  // namespace gw::kernels::cuda
