// Builds without CUDA: there are no devices.
#include <fmt/format.h>

#include "tensor/cuda.h"
#include "tensor/cuda_allocator.h"
#include "tensor/error.h"

namespace gw::cuda {
namespace {

[[noreturn]] void no_device(const char* what, Device device) {
  throw DeviceError(fmt::format("{}: this build of Groundwork has no device {}", what, device.to_string()));
}

}  // namespace

int device_count() { return 0; }
std::string device_name(Device device) { no_device("device_name", device); }
void synchronize(Device device) {
  if (device.is_cuda()) no_device("synchronize", device);
}
MemoryStats memory_stats(Device device) { no_device("memory_stats", device); }
Allocator& allocator(Device device) { no_device("allocate", device); }

}  // namespace gw::cuda
