#include "kernels/cuda/emulator/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>

#include "kernels/cuda/emulator/emulator.h"
#include "kernels/cuda/emulator/poison.h"

namespace gw::emulator {
namespace {

struct Block {
  size_t bytes;
  int device;
};

struct Memory {
  std::mutex mutex;
  std::map<uintptr_t, Block> blocks;
  std::array<size_t, 16> in_use{};
};

Memory& memory() {
  // Never destroyed: tensors in static variables may be released after it would have been.
  static auto* m = new Memory;
  return *m;
}

/// The block that holds the address, if any.
std::map<uintptr_t, Block>::const_iterator find(const Memory& m, uintptr_t address) {
  auto it = m.blocks.upper_bound(address);
  if (it == m.blocks.begin()) return m.blocks.end();
  --it;
  return address < it->first + it->second.bytes ? it : m.blocks.end();
}

/// The index of the first 4-byte word of which `is` holds, or -1.
template <class Predicate>
int64_t first_word(const void* memory, size_t bytes, const Predicate& is) {
  const auto* words = static_cast<const uint32_t*>(memory);
  const size_t count = bytes / 4;
  constexpr size_t kChunk = 1024;
  for (size_t begin = 0; begin < count; begin += kChunk) {
    const size_t end = std::min(count, begin + kChunk);
    // The whole chunk without a branch, which the compiler vectorises; where it is comes second.
    bool any = false;
    for (size_t i = begin; i < end; ++i) any |= is(words[i]);
    for (size_t i = begin; any && i < end; ++i)
      if (is(words[i])) return static_cast<int64_t>(i);
  }
  return -1;
}

}  // namespace

size_t bytes_in_all() {
  static const size_t bytes = [] {
    const char* text = std::getenv("GROUNDWORK_EMULATOR_MEMORY");
    return text ? static_cast<size_t>(std::strtoull(text, nullptr, 10)) : size_t{8} << 30;
  }();
  return bytes;
}

size_t bytes_in_use(int device) {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  return m.in_use[static_cast<size_t>(device)];
}

void* allocate(size_t bytes, int device) {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  size_t& in_use = m.in_use[static_cast<size_t>(device)];
  if (in_use + bytes > bytes_in_all()) return nullptr;
  // As on a GPU, blocks are aligned to 256 bytes. Under AddressSanitizer each has its red zones.
  void* address = nullptr;
  if (posix_memalign(&address, 256, std::max<size_t>(bytes, 1)) != 0) return nullptr;
  poison(address, bytes);
  m.blocks[reinterpret_cast<uintptr_t>(address)] = {bytes, device};
  in_use += bytes;
  return address;
}

bool release(void* address) {
  if (!address) return true;
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  const auto it = m.blocks.find(reinterpret_cast<uintptr_t>(address));
  if (it == m.blocks.end()) return false;
  m.in_use[static_cast<size_t>(it->second.device)] -= it->second.bytes;
  m.blocks.erase(it);
  std::free(address);
  return true;
}

void check_blocks(const char* kernel, const std::vector<uintptr_t>& addresses) {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  std::set<uintptr_t> checked;
  for (const uintptr_t address : addresses) {
    const auto it = find(m, address);
    if (it == m.blocks.end() || !checked.insert(it->first).second) continue;
    const int64_t word = first_word(reinterpret_cast<void*>(it->first), it->second.bytes, computed_from_poison);
    if (word >= 0)
      throw KernelError(fmt::format("{}: computed with memory that nobody wrote (result at byte {} of a block of {})",
                                    kernel, word * 4, it->second.bytes));
  }
}

void check_written(const void* from, size_t bytes) {
  const int64_t word = first_word(from, bytes, [](uint32_t w) { return w == kPoison; });
  if (word >= 0)
    throw KernelError(
        fmt::format("copy to the host: byte {} of {} was never written by a kernel or a copy", word * 4, bytes));
}

}  // namespace gw::emulator
