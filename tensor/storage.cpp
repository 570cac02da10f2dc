#include "tensor/storage.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

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

/// Blocks below a huge page, cut one after the other out of slabs of huge pages. In blocks with pages of their own of 4
/// KB, kernels that walk through several of them at once spend most of their time on finding pages: AdamW took four
/// times as long.
class Slabs {
 public:
  /// Null if the system has no more memory.
  void* cut(size_t bytes) {
    if (slabs_.empty() || kBytes - slabs_.back().used < bytes) {
      void* slab = std::aligned_alloc(kHugePage, kBytes);
      if (!slab) return nullptr;
      madvise(slab, kBytes, MADV_HUGEPAGE);
      slabs_.push_back({static_cast<char*>(slab), 0});
    }
    Slab& slab = slabs_.back();
    return slab.begin + std::exchange(slab.used, slab.used + bytes);
  }

  /// Gives the slabs back of which all blocks are among `free`, and takes those out. Returns their bytes.
  size_t release(std::multimap<size_t, void*>& free) {
    std::vector<size_t> unused(slabs_.size());
    for (const auto& [size, block] : free)
      if (const size_t i = slab_of(block); i < unused.size()) unused[i] += size;
    const auto whole = [&](size_t i) { return i < unused.size() && unused[i] == slabs_[i].used; };
    std::erase_if(free, [&](const auto& entry) { return whole(slab_of(entry.second)); });
    size_t released = 0;
    for (size_t i = unused.size(); i-- > 0;)
      if (whole(i)) {
        released += slabs_[i].used;
        std::free(slabs_[i].begin);
        slabs_.erase(slabs_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    return released;
  }

 private:
  static constexpr size_t kBytes = size_t{16} << 20;
  struct Slab {
    char* begin;
    size_t used;
  };

  /// The index of the slab that a block lies in, or one beyond the last.
  size_t slab_of(const void* block) const {
    const auto lies_in = [&](const Slab& slab) { return block >= slab.begin && block < slab.begin + kBytes; };
    return static_cast<size_t>(std::find_if(slabs_.begin(), slabs_.end(), lies_in) - slabs_.begin());
  }

  std::vector<Slab> slabs_;
};

/// What is cut out of slabs. Smaller blocks stay apart: where the working memory of one thread lies right behind that
/// of another, reading ahead takes lines away from it (a pool's backward pass took a quarter longer). And the address
/// sanitizer watches over the borders of the blocks that it hands out itself.
bool is_cut(size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  constexpr size_t kLeast = kHugePage;
#else
  constexpr size_t kLeast = size_t{64} << 10;
#endif
  return size >= kLeast && size < kHugePage;
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
    void* address = new_block(size);
    if (!address) {
      drop_cached();
      address = new_block(size);
    }
    if (!address)
      throw DeviceError(fmt::format("allocate: no memory for {} bytes on cpu ({} in use)", size, stats_.in_use));
    stats_.reserved += size;
    return address;
  }

  void* new_block(size_t size) {
    if (is_cut(size)) return slabs_.cut(size);
    void* address = std::aligned_alloc(size < kHugePage ? kAlignment : kHugePage, size);
    // Huge pages are a hint: fewer page faults and TLB misses where the system grants them.
    if (address && size >= kHugePage) madvise(address, size, MADV_HUGEPAGE);
    return address;
  }

  /// Of slabs only whole ones can be given back.
  void drop_cached() {
    stats_.reserved -= slabs_.release(free_);
    std::erase_if(free_, [&](const auto& entry) {
      const auto [size, address] = entry;
      if (is_cut(size)) return false;
      std::free(address);
      stats_.reserved -= size;
      return true;
    });
  }

  std::mutex mutex_;
  Slabs slabs_;
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
