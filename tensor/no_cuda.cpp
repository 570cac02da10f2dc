// Builds without CUDA: there are no devices.
#include <fmt/format.h>

#include "tensor/cuda.h"
#include "tensor/cuda_allocator.h"
#include "tensor/cuda_graph.h"
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

struct Graph::State {};
Graph::Graph(Device device, Generator&) { no_device("Graph", device); }
Graph::~Graph() = default;
void Graph::capture(const std::function<void()>&) {}
void Graph::replay() {}
int64_t Graph::nodes() const { return 0; }

}  // namespace gw::cuda
