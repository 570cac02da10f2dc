#include "tensor/cuda_runtime.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace gw::cuda {
namespace {

constexpr int kMaxDevices = 16;

/// A block of pinned memory on its way to the device.
struct Staging {
  void* memory = nullptr;
  size_t bytes = 0;
  cudaEvent_t done = nullptr;
  bool in_use = false;
};

/// What the library keeps for a device.
struct DeviceState {
  cudaStream_t stream = nullptr;
  int multiprocessors = 0;
  int* fault = nullptr;               // as the host sees it
  int* device_fault = nullptr;        // as kernels see it
  uint64_t* random_offset = nullptr;  // in device memory
  unsigned* arrival_counters = nullptr;
  std::mutex staging_mutex;
  std::vector<Staging> staging;
};

DeviceState& state_of(Device device) {
  // Never destroyed: the driver may be gone before static variables are.
  static auto* states = new std::array<std::unique_ptr<DeviceState>, kMaxDevices>;
  static auto* mutex = new std::mutex;
  const std::lock_guard lock(*mutex);
  if (!device.is_cuda() || device.index >= std::min(device_count(), kMaxDevices))
    throw DeviceError(fmt::format("cuda: expected one of {} CUDA devices, got {}", device_count(), device.to_string()));
  auto& slot = (*states)[static_cast<size_t>(device.index)];
  if (slot) return *slot;
  const DeviceGuard guard(device);
  auto state = std::make_unique<DeviceState>();
  check(cudaStreamCreateWithFlags(&state->stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  check(cudaDeviceGetAttribute(&state->multiprocessors, cudaDevAttrMultiProcessorCount, device.index),
        "cudaDeviceGetAttribute");
  check(cudaHostAlloc(reinterpret_cast<void**>(&state->fault), sizeof(int), cudaHostAllocMapped), "cudaHostAlloc");
  *state->fault = static_cast<int>(Fault::none);
  check(cudaHostGetDevicePointer(reinterpret_cast<void**>(&state->device_fault), state->fault, 0),
        "cudaHostGetDevicePointer");
  check(cudaMalloc(reinterpret_cast<void**>(&state->random_offset), sizeof(uint64_t)), "cudaMalloc");
  constexpr size_t kCounterBytes = kArrivalCounters * sizeof(unsigned);
  check(cudaMalloc(reinterpret_cast<void**>(&state->arrival_counters), kCounterBytes), "cudaMalloc");
  check(cudaMemsetAsync(state->arrival_counters, 0, kCounterBytes, state->stream), "cudaMemsetAsync");
  slot = std::move(state);
  return *slot;
}

/// Pinned memory of at least `bytes` whose last copy has ended; nothing is waited for.
Staging& free_staging(DeviceState& state, size_t bytes) {
  for (Staging& s : state.staging) {
    if (s.in_use && cudaEventQuery(s.done) == cudaSuccess) s.in_use = false;
    if (!s.in_use && s.bytes >= bytes && s.bytes <= 4 * bytes + 4096) return s;
  }
  cudaGetLastError();  // "not ready" is no error
  Staging s;
  s.bytes = bytes;
  check(cudaHostAlloc(&s.memory, bytes, 0), "cudaHostAlloc");
  check(cudaEventCreateWithFlags(&s.done, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  return state.staging.emplace_back(s);
}

void wait(Device device) {
  check(cudaStreamSynchronize(state_of(device).stream), "cudaStreamSynchronize");
  throw_fault(device);
}

}  // namespace

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw DeviceError(fmt::format("{}: {} ({})", call, cudaGetErrorString(status), cudaGetErrorName(status)));
}

DeviceGuard::DeviceGuard(Device device) {
  check(cudaGetDevice(&previous_), "cudaGetDevice");
  if (previous_ != device.index) check(cudaSetDevice(device.index), "cudaSetDevice");
}

DeviceGuard::~DeviceGuard() { cudaSetDevice(previous_); }

cudaStream_t stream_of(Device device) { return state_of(device).stream; }
int multiprocessors(Device device) { return state_of(device).multiprocessors; }
int* fault_address(Device device) { return state_of(device).device_fault; }
unsigned* arrival_counters(Device device) { return state_of(device).arrival_counters; }

void throw_fault(Device device) {
  int& word = *state_of(device).fault;
  const auto fault = static_cast<Fault>(word);
  word = static_cast<int>(Fault::none);
  if (fault == Fault::index_out_of_range)
    throw ShapeError(
        fmt::format("{}: a kernel found an index outside of the tensor that it points into", device.to_string()));
  if (fault == Fault::target_out_of_range)
    throw ShapeError(fmt::format("{}: a loss found a target outside of the range of classes", device.to_string()));
}

void synchronize(Device device) {
  if (device.is_cuda()) wait(device);
}

int device_count() {
  static const int count = [] {
    int n = 0;
    return cudaGetDeviceCount(&n) == cudaSuccess ? n : 0;
  }();
  return count;
}

std::string device_name(Device device) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device.index), "cudaGetDeviceProperties");
  return properties.name;
}

const uint64_t* random_offset(Device device) { return is_capturing(device) ? state_of(device).random_offset : nullptr; }

void set_random_offset(Device device, uint64_t offset) {
  copy_to_device(device, state_of(device).random_offset, &offset, sizeof(offset));
}

void copy_to_device(Device device, void* to, const void* from, size_t bytes) {
  if (bytes == 0) return;
  DeviceState& state = state_of(device);
  const DeviceGuard guard(device);
  if (is_capturing(device)) {
    // Every replay copies again, so this source stays with the graph.
    void* kept = keep_for_graph(device, from, bytes);
    check(cudaMemcpyAsync(to, kept, bytes, cudaMemcpyHostToDevice, state.stream), "cudaMemcpyAsync");
    return;
  }
  const std::lock_guard lock(state.staging_mutex);
  Staging& staging = free_staging(state, bytes);
  std::memcpy(staging.memory, from, bytes);
  check(cudaMemcpyAsync(to, staging.memory, bytes, cudaMemcpyHostToDevice, state.stream), "cudaMemcpyAsync");
  check(cudaEventRecord(staging.done, state.stream), "cudaEventRecord");
  staging.in_use = true;
}

void copy_to_host(Device device, void* to, const void* from, size_t bytes) {
  const DeviceGuard guard(device);
  if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_of(device)), "cudaMemcpyAsync");
  wait(device);
}

void copy_on_device(Device to_device, void* to, Device from_device, const void* from, size_t bytes) {
  const DeviceGuard guard(to_device);
  const cudaStream_t stream = stream_of(to_device);
  if (to_device == from_device) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream), "cudaMemcpyAsync");
    return;
  }
  cudaEvent_t ready;
  check(cudaEventCreateWithFlags(&ready, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  check(cudaEventRecord(ready, stream_of(from_device)), "cudaEventRecord");
  check(cudaStreamWaitEvent(stream, ready, 0), "cudaStreamWaitEvent");
  check(cudaMemcpyPeerAsync(to, to_device.index, from, from_device.index, bytes, stream), "cudaMemcpyPeerAsync");
  // The source may be freed in its own stream as soon as this returns.
  check(cudaEventRecord(ready, stream), "cudaEventRecord");
  check(cudaStreamWaitEvent(stream_of(from_device), ready, 0), "cudaStreamWaitEvent");
  check(cudaEventDestroy(ready), "cudaEventDestroy");
}

}  // namespace gw::cuda
