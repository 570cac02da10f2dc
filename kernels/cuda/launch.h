// The only way to launch a kernel: on a GPU when built by nvcc, under the emulator when built by the C++ compiler.
#pragma once

#include <algorithm>

#include "tensor/cuda_runtime.h"
#include "tensor/tensor.h"

#ifndef __CUDACC__
#include "kernels/cuda/emulator/emulator.h"
#endif

namespace gw::kernels::cuda {

/// A device's stream.
struct Stream {
  Device device;
  cudaStream_t handle;
};

/// The stream in which the work on this tensor stands.
inline Stream stream_for(const Tensor& t) { return {t.device(), gw::cuda::stream_of(t.device())}; }

/// How a kernel is launched: its name for messages, blocks, threads per block, and bytes of dynamic shared memory.
struct LaunchShape {
  const char* kernel;
  dim3 grid, block;
  size_t shared_bytes = 0;
};

/// Launches kernel(args...), in the order of the stream's work; nothing is waited for. An empty grid launches nothing.
/// DeviceError, naming the kernel, if CUDA refuses.
template <class... Params, class... Args>
void launch(const Stream& stream, const LaunchShape& shape, void (*kernel)(Params...), const Args&... args) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
#ifdef __CUDACC__
  const gw::cuda::DeviceGuard guard(stream.device);
  constexpr size_t kWithoutAsking = 48 * 1024;
  if (shape.shared_bytes > kWithoutAsking)
    gw::cuda::check(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.shared_bytes)),
        shape.kernel);
  kernel<<<shape.grid, shape.block, shape.shared_bytes, stream.handle>>>(static_cast<Params>(args)...);
  gw::cuda::check(cudaGetLastError(), shape.kernel);
#else
  emulator::launch({shape.kernel, shape.grid, shape.block, shape.shared_bytes}, stream.handle, kernel, args...);
#endif
}

#ifdef __CUDACC__
/// The block's dynamic shared memory, of as many bytes as the launch names.
template <class T>
__device__ T* shared_memory() {
  extern __shared__ __align__(16) unsigned char dynamic_shared_memory[];
  return reinterpret_cast<T*>(dynamic_shared_memory);
}
#else
template <class T>
T* shared_memory() {
  return static_cast<T*>(emulator::shared_memory());
}
#endif

/// Blocks of `per_block` elements that cover n.
inline unsigned blocks_for(int64_t n, int64_t per_block) {
  return static_cast<unsigned>((n + per_block - 1) / per_block);
}

}  // namespace gw::kernels::cuda
