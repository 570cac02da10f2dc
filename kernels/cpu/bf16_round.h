// f32 results on their way into a tensor of f32 or bf16. Loops write blocks of f32, which stay in the first cache, and
// a block is rounded as a whole: one instruction for 32 numbers where the processor has it, while loops that round each
// number as they store it spend more on that than on their arithmetic.
#pragma once

#if defined(__AVX512BF16__) && defined(__AVX512VL__)
#include <immintrin.h>
#endif

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/cpu/store.h"
#include "kernels/cpu/stream.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu {

/// to[i] = from[i] for i < n, rounded to the nearest bf16, ties to even, as bf16's constructor does. The processor's
/// instruction differs in one thing: subnormal numbers (below 1.2e-38) become zeros of their sign.
inline void round_run(bf16* to, const float* from, int64_t n) {
#if defined(__AVX512BF16__) && defined(__AVX512VL__)
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const auto both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i));
    std::memcpy(to + i, &both, sizeof both);
  }
  for (; i < n; i += 16) {
    const auto mask = static_cast<__mmask16>(n - i < 16 ? (1 << (n - i)) - 1 : 0xffff);
    const auto part = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + i));
    _mm256_mask_storeu_epi16(to + i, mask, reinterpret_cast<__m256i>(part));
  }
#else
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) store(to[i], from[i]);
#endif
}
inline void round_run(float* to, const float* from, int64_t n) {
  std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

/// Computes and stores out[0 .. n), streamed or not; the caller ends streaming with stream_fence(). fill(to, begin,
/// count) computes f32 elements begin, begin + 1, ...
template <class T, class Fill>
void write_run(T* out, int64_t n, bool stream, const Fill& fill) {
  if constexpr (std::is_same_v<T, float>) {
    stream ? stream_run(out, n, fill) : fill(out, 0, n);
  } else {
    const auto fill_rounded = [&fill](T* to, int64_t begin, auto count) {
      alignas(kLineBytes) float block[kStreamBlock];
      fill(block, begin, count);
      round_run(to, block, count);
    };
    if (stream) return stream_run(out, n, fill_rounded);
    int64_t i = 0;
    for (; i + kStreamBlock <= n; i += kStreamBlock)
      fill_rounded(out + i, i, std::integral_constant<int64_t, kStreamBlock>{});
    fill_rounded(out + i, i, n - i);
  }
}

}  // namespace gw::kernels::cpu
