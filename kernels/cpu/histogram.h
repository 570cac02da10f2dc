#pragma once

#include "kernels/math/histogram.h"
#include "tensor/tensor.h"

namespace gw::kernels::cpu {

/// Of a dense x: moments = {mean, standard deviation}, counts[b] = how many x (or |x|) fall into bin b.
void value_statistics(const Tensor& moments, const Tensor& counts, const Tensor& x, const math::Bins& bins,
                      bool absolute);

}  // namespace gw::kernels::cpu
