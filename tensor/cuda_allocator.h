// The allocator of a CUDA device.
#pragma once

#include "tensor/storage.h"

namespace gw::cuda {

/// Hands out memory of the device in stream order. DeviceError where the device is not there.
Allocator& allocator(Device device);

}  // namespace gw::cuda
