// One block of CUDA threads, each a fiber, scheduled on one thread of the CPU.
#pragma once

#include <functional>

#include "kernels/cuda/emulator/emulator.h"

namespace gw::emulator {

/// Runs all threads of the block to their end; KernelError if they cannot reach it. `order` seeds the order in which
/// ready threads run; 0 is the natural one.
void run_block(const LaunchShape& shape, uint3 block_index, const std::function<void()>& thread, uint64_t order);

}  // namespace gw::emulator
