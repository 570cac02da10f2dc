// The CPU's group norm on contiguous memory [samples, rows, channels] (see GroupNormShape), on checked arguments.
#pragma once

#include "kernels/groupnorm.h"

namespace gw::kernels::cpu {

/// y, mean and invstd from x; weight and bias may be undefined.
void group_norm_forward(const GroupNormResult& out, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const GroupNormShape& shape, double eps);

/// Those gradients that are defined.
void group_norm_backward(const GroupNormGrads& grads, const Tensor& dy, const GroupNormSaved& saved,
                         const GroupNormShape& shape);

}  // namespace gw::kernels::cpu
