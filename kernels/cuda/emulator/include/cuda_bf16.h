// The parts of <cuda_bf16.h> that Groundwork's kernels use, for builds with GROUNDWORK_EMULATE_CUDA.
#pragma once

#include <cuda_runtime.h>

#include "tensor/dtype.h"

using __nv_bfloat16 = gw::bf16;

struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

inline __nv_bfloat16 __float2bfloat16_rn(float x) { return __nv_bfloat16(x); }
inline float __bfloat162float(__nv_bfloat16 x) { return static_cast<float>(x); }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
inline float2 __bfloat1622float2(__nv_bfloat162 v) { return {static_cast<float>(v.x), static_cast<float>(v.y)}; }

/// Adds both halves, each atomically as on the GPU.
inline __nv_bfloat162 atomicAdd(__nv_bfloat162* address, __nv_bfloat162 value) {
  auto& word = reinterpret_cast<uint32_t&>(*address);
  uint32_t old = word, sum;
  do {
    const auto now = std::bit_cast<__nv_bfloat162>(old);
    const __nv_bfloat162 next{static_cast<float>(now.x) + static_cast<float>(value.x),
                              static_cast<float>(now.y) + static_cast<float>(value.y)};
    sum = std::bit_cast<uint32_t>(next);
  } while (!std::atomic_ref<uint32_t>(word).compare_exchange_weak(old, sum));
  return std::bit_cast<__nv_bfloat162>(old);
}
