// The CUDA emulator: runs kernels on the CPU, one fiber per CUDA thread, and finds their mistakes. See
// docs/emulator.md.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "tensor/error.h"

namespace gw::emulator {

/// A mistake in a kernel, found while it ran; the message names the kernel.
class KernelError : public Error {
 public:
  using Error::Error;
};

struct LaunchShape {
  const char* kernel = "";
  dim3 grid, block;
  size_t shared_bytes = 0;
};

/// Shuffles the order in which blocks, and the threads of a block, run; 0 keeps the natural order. A missing barrier
/// then shows as a wrong or changing result. Starts as the environment's GROUNDWORK_EMULATOR_SEED, else 0.
void set_seed(uint64_t seed);

/// How often the host waited for the device (stream, event and device synchronisation, copies to the host) so far.
int64_t synchronizations();
/// How many kernels were launched (a replayed graph counts each of its kernels).
int64_t launches();
/// The names of the kernels that were launched so far.
std::set<std::string> launched_kernels();

/// The block's dynamic shared memory, of the size named at the launch.
void* shared_memory();

/// Runs `work` as the next operation of the stream: at once, or at each replay while a graph is captured.
void submit(cudaStream_t stream, std::function<void()> work);

/// Runs every thread of every block: `thread` is the kernel with its arguments. `words` are the arguments' bytes as
/// addresses, for the check of what was written: KernelError if the kernel computed with memory that nobody wrote, if
/// not all threads reach a barrier, or if a warp operation names threads that do not come.
void run_kernel(const LaunchShape& shape, const std::function<void()>& thread, const std::vector<uintptr_t>& words);

/// The 8-byte words of a kernel argument, among them the addresses that it holds.
template <class T>
void append_words(std::vector<uintptr_t>& words, const T& argument) {
  static_assert(std::is_trivially_copyable_v<T>, "kernel arguments are copied as bytes");
  for (size_t at = 0; at + sizeof(uintptr_t) <= sizeof(T); at += sizeof(uintptr_t)) {
    uintptr_t word;
    std::memcpy(&word, reinterpret_cast<const char*>(&argument) + at, sizeof(word));
    words.push_back(word);
  }
}

template <class... Params, class... Args>
void launch(const LaunchShape& shape, cudaStream_t stream, void (*kernel)(Params...), const Args&... args) {
  submit(stream, [shape, kernel, ... copies = static_cast<std::decay_t<Params>>(args)] {
    std::vector<uintptr_t> words;
    (append_words(words, copies), ...);
    run_kernel(
        shape, [&] { kernel(copies...); }, words);
  });
}

}  // namespace gw::emulator
