#include "tensor/storage.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "tensor/cuda_allocator.h"
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
    const Block block = take_cached(size).value_or(Block{nullptr, size});
    void* address = block.address ? block.address : from_system(size);
    if (size >= kHugePage) large_sizes_[address] = block.size;
    stats_.in_use += block.size;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    return address;
  }

  void release(void* address, size_t bytes) noexcept override {
    if (!address) return;
    const std::lock_guard lock(mutex_);
    size_t size = rounded(bytes);
    if (size >= kHugePage) {
      const auto it = large_sizes_.find(address);
      size = it->second;
      large_sizes_.erase(it);
    }
    stats_.in_use -= size;
    free_.emplace(size, address);
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
  struct Block {
    void* address;
    size_t size;
  };

  /// The smallest cached block that fits. A large request may take one of up to twice its size (the odd last batch of
  /// an epoch takes those of the full ones); a small request only one of its own.
  std::optional<Block> take_cached(size_t size) {
    const auto it = free_.lower_bound(size);
    const size_t limit = size >= kHugePage ? 2 * size : size;
    if (it == free_.end() || it->first > limit) return std::nullopt;
    const Block block{it->second, it->first};
    free_.erase(it);
    return block;
  }

  void* from_system(size_t size) {
    const size_t alignment = size >= kHugePage ? kHugePage : kAlignment;
    void* address = std::aligned_alloc(alignment, size);
    if (!address) {
      drop_cached();
      address = std::aligned_alloc(alignment, size);
    }
    if (!address)
      throw DeviceError(fmt::format("allocate: no memory for {} bytes on cpu ({} in use)", size, stats_.in_use));
    // Huge pages are a hint: fewer page faults and TLB misses where the system grants them.
    if (size >= kHugePage) madvise(address, size, MADV_HUGEPAGE);
    stats_.reserved += size;
    return address;
  }

  void drop_cached() {
    for (const auto& [size, address] : free_) {
      std::free(address);
      stats_.reserved -= size;
    }
    free_.clear();
  }

  std::mutex mutex_;
  std::multimap<size_t, void*> free_;
  std::unordered_map<void*, size_t> large_sizes_;  // of the large blocks in use: they may be larger than asked for
  MemoryStats stats_;
};

CachingCpuAllocator& cpu_allocator() {
  // Never destroyed: tensors in static variables may be released after it would have been.
  static auto* allocator = new CachingCpuAllocator;
  return *allocator;
}

}  // namespace

Allocator& allocator_for(Device device) {
  return device.is_cpu() ? static_cast<Allocator&>(cpu_allocator()) : cuda::allocator(device);
}

MemoryStats cpu_memory_stats() { return cpu_allocator().stats(); }
void release_cached_cpu_memory() { cpu_allocator().release_cached(); }

Storage::Storage(size_t bytes, Device device)
    : bytes_(bytes), device_(device), data_(allocator_for(device).allocate(bytes)) {}

Storage::Storage(void* borrowed, size_t bytes, Device device)
    : bytes_(bytes), device_(device), data_(borrowed), owned_(false) {}

Storage::~Storage() {
  if (owned_) allocator_for(device_).release(data_, bytes_);
}

}  // namespace gw
