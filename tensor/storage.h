// Storage: a block of memory on a device, shared by every view of a tensor; and the allocators that hand it out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensor/device.h"

namespace gw {

/// Hands out and takes back blocks of memory of one device.
class Allocator {
 public:
  virtual ~Allocator() = default;
  /// A block of at least `bytes`, aligned to 64 bytes; DeviceError when there is none left.
  virtual void* allocate(size_t bytes) = 0;
  /// Takes back a block with the size it was asked for.
  virtual void release(void* block, size_t bytes) noexcept = 0;
};

/// The allocator of a device.
Allocator& allocator_for(Device device);

/// What the CPU allocator holds, for memory reports.
struct MemoryStats {
  size_t in_use = 0;    ///< bytes handed out
  size_t reserved = 0;  ///< bytes taken from the system: in use, or kept for the next request
  size_t peak = 0;      ///< the largest `in_use` so far
};
MemoryStats cpu_memory_stats();
/// Gives every cached block back to the system.
void release_cached_cpu_memory();

/// A block of memory with its owner's bookkeeping. Not copied; views share it by shared_ptr.
class Storage {
 public:
  Storage(size_t bytes, Device device);
  /// Memory that somebody else owns and keeps while this lives.
  Storage(void* borrowed, size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  /// Counts in-place changes, so that autograd notices when a tensor that it saved was changed.
  uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  size_t bytes_;
  Device device_;
  void* data_;
  bool owned_ = true;
  std::atomic<uint64_t> version_{0};
};

}  // namespace gw
