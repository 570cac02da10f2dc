// The emulated devices' memory: each allocation apart from all others, so that AddressSanitizer sees every overrun, and
// filled with poison, so that reading what nobody wrote is noticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gw::emulator {

/// A poisoned block, or nullptr when the emulated device (GROUNDWORK_EMULATOR_MEMORY bytes, default 8 GiB) is full.
void* allocate(size_t bytes, int device);
/// False if `address` is no block's start.
bool release(void* address);
size_t bytes_in_use(int device);
size_t bytes_in_all();

/// KernelError, naming the kernel, if a block that one of the addresses points into holds a number computed from
/// poison.
void check_blocks(const char* kernel, const std::vector<uintptr_t>& addresses);
/// KernelError if the bytes, about to be copied to the host, were never written.
void check_written(const void* from, size_t bytes);

}  // namespace gw::emulator
