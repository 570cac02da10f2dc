// Copies between devices.
#pragma once

#include "tensor/tensor.h"

namespace gw::kernels {

/// x on another device, dense, in the same order of dimensions where x is dense.
Tensor to_device(const Tensor& x, Device device);

}  // namespace gw::kernels
