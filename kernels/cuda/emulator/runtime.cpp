// The runtime calls of the emulator: devices, memory, copies, streams, events and graphs. Every operation is done at
// once, in the order of the calls; only a stream that captures a graph keeps its operations for the replays.
#include <cuda_runtime.h>
#include <omp.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <utility>

#include "kernels/cuda/emulator/block.h"
#include "kernels/cuda/emulator/emulator.h"
#include "kernels/cuda/emulator/memory.h"

struct EmulatedGraph {
  std::vector<std::function<void()>> operations;
};
struct EmulatedStream {
  EmulatedGraph* capture = nullptr;
};
struct EmulatedEvent {};

namespace gw::emulator {
namespace {

constexpr int kDevices = 2;

std::atomic<int64_t> synchronization_count{0}, launch_count{0};
std::mutex kernel_names_mutex;
std::set<std::string> kernel_names;
std::atomic<int> capturing_streams{0};
thread_local int current_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

uint64_t seed_of_environment() {
  const char* text = std::getenv("GROUNDWORK_EMULATOR_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 0;
}
std::atomic<uint64_t> order_seed{seed_of_environment()};

cudaError_t fail(cudaError_t error) { return last_error = error; }

/// A wait of the host. CUDA forbids it while any stream captures.
cudaError_t synchronize() {
  if (capturing_streams > 0) return fail(cudaErrorStreamCaptureUnsupported);
  ++synchronization_count;
  return cudaSuccess;
}

uint3 index_of(size_t block, dim3 grid) {
  const auto x = static_cast<unsigned>(block % grid.x), y = static_cast<unsigned>(block / grid.x % grid.y);
  return {x, y, static_cast<unsigned>(block / grid.x / grid.y)};
}

}  // namespace

void set_seed(uint64_t seed) { order_seed = seed; }
int64_t synchronizations() { return synchronization_count; }
int64_t launches() { return launch_count; }

std::set<std::string> launched_kernels() {
  const std::lock_guard lock(kernel_names_mutex);
  return kernel_names;
}

void submit(cudaStream_t stream, std::function<void()> work) {
  if (stream && stream->capture)
    stream->capture->operations.push_back(std::move(work));
  else
    work();
}

void run_kernel(const LaunchShape& shape, const std::function<void()>& thread, const std::vector<uintptr_t>& words) {
  const int64_t number = ++launch_count;
  {
    const std::lock_guard lock(kernel_names_mutex);
    kernel_names.insert(shape.kernel);
  }
  const size_t blocks = static_cast<size_t>(shape.grid.x) * shape.grid.y * shape.grid.z;
  const uint64_t seed = order_seed;
  std::vector<size_t> order(blocks);
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937_64 random(seed ^ (static_cast<uint64_t>(number) * 0x9E3779B97F4A7C15u));
  if (seed != 0) std::shuffle(order.begin(), order.end(), random);

  std::exception_ptr error;
  std::atomic<bool> failed{false};
  const auto one = [&](size_t i) {
    if (failed) return;
    try {
      const uint64_t thread_order =
          seed == 0 ? 0 : (seed + order[i] * 2654435761u + static_cast<uint64_t>(number)) | 1u;
      run_block(shape, index_of(order[i], shape.grid), thread, thread_order);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  };
#pragma omp parallel for schedule(dynamic) if (blocks > 1)
  for (size_t i = 0; i < blocks; ++i) one(i);
  if (error) std::rethrow_exception(error);
  check_blocks(shape.kernel, words);
}

}  // namespace gw::emulator

using namespace gw::emulator;

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureImplicit:
      return "cudaErrorStreamCaptureImplicit";
  }
  return "unknown error";
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNotReady:
      return "device not ready";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureImplicit:
      return "operation would make the legacy stream depend on a capturing blocking stream";
  }
  return "unknown error";
}

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= kDevices) return fail(cudaErrorInvalidDevice);
  current_device = device;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= kDevices) return fail(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "Groundwork's CUDA emulator");
  properties->totalGlobalMem = bytes_in_all();
  properties->multiProcessorCount = omp_get_max_threads();
  properties->major = 9;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  // As few multiprocessors as there are cores: kernels that size their grid by them then stay small.
  *value = attribute == cudaDevAttrMultiProcessorCount ? omp_get_max_threads() : 227 * 1024;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return synchronize(); }
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *total = bytes_in_all();
  *free = *total - bytes_in_use(current_device);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = nullptr;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }

cudaError_t cudaMalloc(void** address, size_t bytes) {
  *address = allocate(bytes, current_device);
  return *address ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* address) { return release(address) ? cudaSuccess : fail(cudaErrorInvalidValue); }
cudaError_t cudaMallocAsync(void** address, size_t bytes, cudaStream_t stream) {
  // On a GPU this would become a node of the graph, whose memory lives and dies with each replay.
  if (stream && stream->capture) return fail(cudaErrorStreamCaptureUnsupported);
  return cudaMalloc(address, bytes);
}
cudaError_t cudaFreeAsync(void* address, cudaStream_t stream) {
  if (stream && stream->capture) return fail(cudaErrorStreamCaptureUnsupported);
  return cudaFree(address);
}
cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned) {
  *address = std::malloc(std::max<size_t>(bytes, 1));
  return *address ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  *device = host;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* address) {
  std::free(address);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  submit(stream, [=] {
    if (kind == cudaMemcpyDeviceToHost) check_written(from, bytes);
    if (bytes > 0) std::memmove(to, from, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t bytes, cudaStream_t stream) {
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}
cudaError_t cudaMemsetAsync(void* address, int value, size_t bytes, cudaStream_t stream) {
  submit(stream, [=] {
    if (bytes > 0) std::memset(address, value, bytes);
  });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new EmulatedStream;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return synchronize(); }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new EmulatedEvent;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return synchronize(); }

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (!stream) return fail(cudaErrorStreamCaptureUnsupported);
  if (stream->capture) return fail(cudaErrorInvalidValue);
  stream->capture = new EmulatedGraph;
  ++capturing_streams;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (!stream->capture) return fail(cudaErrorInvalidValue);
  *graph = std::exchange(stream->capture, nullptr);
  --capturing_streams;
  return cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*) { return cudaSuccess; }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new EmulatedGraph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  if (stream && stream->capture) return fail(cudaErrorStreamCaptureUnsupported);
  for (const auto& operation : executable->operations) operation();
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void*, size_t* count) {
  *count = graph->operations.size();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
