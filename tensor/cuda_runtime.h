// The CUDA runtime as the library uses it: checked calls, one stream per device, faults that kernels report, and memory
// for captured graphs. Only for files that are built with CUDA (or its emulator).
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <string>

#include "tensor/cuda.h"
#include "tensor/error.h"

namespace gw::cuda {

/// DeviceError, naming the call and CUDA's reason, unless it succeeded.
void check(cudaError_t status, const char* call);

/// Makes a device current while it lives.
class DeviceGuard {
 public:
  explicit DeviceGuard(Device device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int previous_ = 0;
};

/// The stream in which all work of the device stands, in the order of the calls.
cudaStream_t stream_of(Device device);
/// The number of its multiprocessors.
int multiprocessors(Device device);

/// What a kernel can find wrong but not throw.
enum class Fault : int { none, index_out_of_range, target_out_of_range };

/// Where kernels of this device write the first fault that they find. It is host memory, so writing costs the GPU
/// nothing while all is well; copies to the host and synchronize() read it when they have waited, and throw.
int* fault_address(Device device);
/// kArrivalCounters zeros in device memory. A kernel whose blocks count themselves in them, so that the last one can
/// finish the work of all, leaves zeros behind; kernels of one stream follow each other, so all can use the same ones.
inline constexpr int kArrivalCounters = 4096;
unsigned* arrival_counters(Device device);
/// Throws ShapeError for a reported fault, and forgets it. The device must have been waited for.
void throw_fault(Device device);

/// Copies bytes from the host in stream order. The source may be changed as soon as the call returns.
void copy_to_device(Device device, void* to, const void* from, size_t bytes);
/// Copies bytes to the host and waits for them.
void copy_to_host(Device device, void* to, const void* from, size_t bytes);
/// Copies bytes within a device, or from one to another.
void copy_on_device(Device to_device, void* to, Device from_device, const void* from, size_t bytes);

/// While a graph is captured: where its kernels find how far the random stream has moved since (they add it to the
/// offset of their PhiloxState), in device memory. Otherwise null: offsets are as given.
const uint64_t* random_offset(Device device);
/// Sets that number for the next replay.
void set_random_offset(Device device, uint64_t offset);

/// Memory for a captured graph. A graph replays with the addresses that it was captured with, so what was allocated
/// while capturing stays with the graph: blocks go round among the tensors of the captured step, and to the system only
/// after the graph.
class GraphMemory;
/// While it lives, a graph is captured on the device, and allocations come from `memory`.
class UseGraphMemory {
 public:
  UseGraphMemory(Device device, std::shared_ptr<GraphMemory> memory);
  ~UseGraphMemory();
  UseGraphMemory(const UseGraphMemory&) = delete;
  UseGraphMemory& operator=(const UseGraphMemory&) = delete;

 private:
  Device device_;
};
std::shared_ptr<GraphMemory> make_graph_memory(Device device);
bool is_capturing(Device device);
/// A pinned copy of host bytes that lives as long as the graph that is being captured.
void* keep_for_graph(Device device, const void* bytes, size_t count);

}  // namespace gw::cuda
