#include "tensor/storage.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "tensor/error.h"

namespace gw {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

/// Sizes are rounded so that a later tensor of nearly the same size can take the block: to 64 bytes when small, to 2
/// MiB (a huge page) when large.
size_t rounded(size_t bytes) {
  const size_t unit = bytes >= kHugePage ? kHugePage : kAlignment;
  return (bytes + unit - 1) / unit * unit;
}

/// Keeps freed blocks for the next request. A training step asks for the same sizes again and again, and fresh pages
/// from the system cost more (a fault and a clearing each) than the kernels that fill them.
class CachingCpuAllocator : public Allocator {
 public:
  void* allocate(size_t bytes) override {
    if (bytes == 0) return nullptr;
    const size_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    void* block = take_cached(size);
    if (!block) block = from_system(size);
    stats_.in_use += size;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    return block;
  }

  void release(void* block, size_t bytes) noexcept override {
    if (!block) return;
    const size_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    stats_.in_use -= size;
    free_.emplace(size, block);
  }

  void release_cached() {
    const std::lock_guard lock(mutex_);
    drop_cached();
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  void* take_cached(size_t size) {
    const auto it = free_.find(size);
    if (it == free_.end()) return nullptr;
    void* block = it->second;
    free_.erase(it);
    return block;
  }

  void* from_system(size_t size) {
    const size_t alignment = size >= kHugePage ? kHugePage : kAlignment;
    void* block = std::aligned_alloc(alignment, size);
    if (!block) {
      drop_cached();
      block = std::aligned_alloc(alignment, size);
    }
    if (!block)
      throw DeviceError(fmt::format("allocate: no memory for {} bytes on cpu ({} in use)", size, stats_.in_use));
    // Huge pages are a hint: fewer page faults and TLB misses where the system grants them.
    if (size >= kHugePage) madvise(block, size, MADV_HUGEPAGE);
    stats_.reserved += size;
    return block;
  }

  void drop_cached() {
    for (const auto& [size, block] : free_) {
      std::free(block);
      stats_.reserved -= size;
    }
    free_.clear();
  }

  std::mutex mutex_;
  std::multimap<size_t, void*> free_;
  MemoryStats stats_;
};

CachingCpuAllocator& cpu_allocator() {
  // Never destroyed: tensors in static variables may be released after it would have been.
  static auto* allocator = new CachingCpuAllocator;
  return *allocator;
}

}  // namespace

Allocator& allocator_for(Device device) {
  if (!device.is_cpu())
    throw DeviceError(fmt::format("allocate: this build of Groundwork has no device {}", device.to_string()));
  return cpu_allocator();
}

MemoryStats cpu_memory_stats() { return cpu_allocator().stats(); }
void release_cached_cpu_memory() { cpu_allocator().release_cached(); }

Storage::Storage(size_t bytes, Device device)
    : bytes_(bytes), device_(device), data_(allocator_for(device).allocate(bytes)) {}

Storage::~Storage() { allocator_for(device_).release(data_, bytes_); }

}  // namespace gw
