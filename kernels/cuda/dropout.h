#pragma once

#include "kernels/dropout.h"

namespace gw::kernels::cuda {

/// Contiguous y and x.
void dropout(const Tensor& y, const Tensor& x, double p, PhiloxState state);
/// Contiguous f32.
void dropout_mask(const Tensor& mask, double p, PhiloxState state);

/// y = x * mask, and 0 where that is 0, whatever x is. The mask (f32) broadcasts to the shape of x.
void apply_mask(const Tensor& y, const Tensor& x, const Tensor& mask);

}  // namespace gw::kernels::cuda
