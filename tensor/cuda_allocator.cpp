#include "tensor/cuda_allocator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tensor/cuda_runtime.h"

namespace gw::cuda {

/// Blocks by size. Used under the allocator's lock.
class GraphMemory {
 public:
  explicit GraphMemory(Device device) : device_(device) {}
  ~GraphMemory() {
    const DeviceGuard guard(device_);
    cudaStreamSynchronize(stream_of(device_));
    for (const auto& [size, block] : free_) cudaFree(block);
    for (void* block : kept_) cudaFreeHost(block);
  }
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  /// A free block of exactly this size, else a new one.
  void* take(size_t bytes) {
    if (const auto it = free_.find(bytes); it != free_.end()) {
      void* block = it->second;
      free_.erase(it);
      return block;
    }
    // Stream-ordered allocations would become nodes of the graph; a plain one is allowed in relaxed mode.
    cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    check(cudaThreadExchangeStreamCaptureMode(&mode), "cudaThreadExchangeStreamCaptureMode");
    void* block = nullptr;
    const cudaError_t status = cudaMalloc(&block, bytes);
    check(cudaThreadExchangeStreamCaptureMode(&mode), "cudaThreadExchangeStreamCaptureMode");
    check(status, "cudaMalloc");
    return block;
  }
  void give_back(void* block, size_t bytes) { free_.emplace(bytes, block); }

  void* keep(const void* bytes, size_t count) {
    cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    check(cudaThreadExchangeStreamCaptureMode(&mode), "cudaThreadExchangeStreamCaptureMode");
    void* block = nullptr;
    const cudaError_t status = cudaHostAlloc(&block, count, 0);
    check(cudaThreadExchangeStreamCaptureMode(&mode), "cudaThreadExchangeStreamCaptureMode");
    check(status, "cudaHostAlloc");
    std::memcpy(block, bytes, count);
    kept_.push_back(block);
    return block;
  }

 private:
  Device device_;
  std::multimap<size_t, void*> free_;
  std::vector<void*> kept_;  // pinned
};

namespace {

class CudaAllocator : public Allocator {
 public:
  explicit CudaAllocator(Device device) : device_(device) {
    const DeviceGuard guard(device);
    cudaMemPool_t pool;
    check(cudaDeviceGetDefaultMemPool(&pool, device.index), "cudaDeviceGetDefaultMemPool");
    // Freed memory stays in the pool for the next request, instead of going back to the system at every wait.
    uint64_t keep = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
  }

  void* allocate(size_t bytes) override {
    if (bytes == 0) return nullptr;
    const std::lock_guard lock(mutex_);
    void* block = graph_memory_ ? from_graph_memory(bytes) : from_pool(bytes);
    stats_.in_use += bytes;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    return block;
  }

  void release(void* block, size_t bytes) noexcept override {
    if (!block) return;
    const std::lock_guard lock(mutex_);
    stats_.in_use -= bytes;
    if (const auto it = owners_.find(block); it != owners_.end()) {
      const std::shared_ptr<GraphMemory> owner = std::move(it->second);
      owners_.erase(it);
      owner->give_back(block, bytes);
      return;
    }
    // At the end of the program the driver may have gone; then there is nothing left to free.
    int previous = 0;
    if (cudaGetDevice(&previous) != cudaSuccess || cudaSetDevice(device_.index) != cudaSuccess) return;
    cudaFreeAsync(block, stream_);
    cudaSetDevice(previous);
  }

  void use(std::shared_ptr<GraphMemory> memory) {
    const std::lock_guard lock(mutex_);
    graph_memory_ = std::move(memory);
  }

  GraphMemory* graph_memory() {
    const std::lock_guard lock(mutex_);
    return graph_memory_.get();
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    MemoryStats s = stats_;
    s.reserved = s.in_use;
    return s;
  }

 private:
  void* from_graph_memory(size_t bytes) {
    const DeviceGuard guard(device_);
    void* block = graph_memory_->take(bytes);
    owners_[block] = graph_memory_;
    return block;
  }

  void* from_pool(size_t bytes) {
    const DeviceGuard guard(device_);
    void* block = nullptr;
    const cudaError_t status = cudaMallocAsync(&block, bytes, stream_);
    if (status == cudaErrorMemoryAllocation) throw_out_of_memory(bytes);
    check(status, "cudaMallocAsync");
    return block;
  }

  [[noreturn]] void throw_out_of_memory(size_t bytes) {
    cudaGetLastError();
    size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    throw DeviceError(fmt::format("allocate: no memory for {} bytes on {} ({} of {} bytes free, {} held by tensors)",
                                  bytes, device_.to_string(), free, total, stats_.in_use));
  }

  Device device_;
  cudaStream_t stream_ = stream_of(device_);
  std::mutex mutex_;
  MemoryStats stats_;
  std::shared_ptr<GraphMemory> graph_memory_;  // in use while a graph is captured
  std::unordered_map<void*, std::shared_ptr<GraphMemory>> owners_;
};

CudaAllocator& cuda_allocator(Device device) {
  // Never destroyed: tensors in static variables may be released after it would have been.
  static auto* allocators = new std::array<std::unique_ptr<CudaAllocator>, 16>;
  static auto* mutex = new std::mutex;
  stream_of(device);  // throws for a device that is not there
  const std::lock_guard lock(*mutex);
  auto& slot = (*allocators)[static_cast<size_t>(device.index)];
  if (!slot) slot = std::make_unique<CudaAllocator>(device);
  return *slot;
}

}  // namespace

Allocator& allocator(Device device) { return cuda_allocator(device); }
MemoryStats memory_stats(Device device) { return cuda_allocator(device).stats(); }

std::shared_ptr<GraphMemory> make_graph_memory(Device device) { return std::make_shared<GraphMemory>(device); }

UseGraphMemory::UseGraphMemory(Device device, std::shared_ptr<GraphMemory> memory) : device_(device) {
  cuda_allocator(device).use(std::move(memory));
}
UseGraphMemory::~UseGraphMemory() { cuda_allocator(device_).use(nullptr); }

bool is_capturing(Device device) { return cuda_allocator(device).graph_memory() != nullptr; }
void* keep_for_graph(Device device, const void* bytes, size_t count) {
  return cuda_allocator(device).graph_memory()->keep(bytes, count);
}

}  // namespace gw::cuda
