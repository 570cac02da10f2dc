// What programs ask about CUDA devices. All of it is there in builds without CUDA too, where there are none.
#pragma once

#include <cstddef>
#include <string>

#include "tensor/device.h"
#include "tensor/storage.h"

namespace gw::cuda {

/// How many CUDA devices there are; 0 without a driver, and in builds without CUDA.
int device_count();
/// The device's name, as "NVIDIA H200".
std::string device_name(Device device);
/// Waits until the device has done all that it was given. Throws what its kernels found wrong (see Fault).
void synchronize(Device device);
/// What tensors hold on the device.
MemoryStats memory_stats(Device device);

}  // namespace gw::cuda
