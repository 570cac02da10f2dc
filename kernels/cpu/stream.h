// Stores that go past the caches. A plain store first reads the line that it is about to overwrite; for results larger
// than the caches that is a third of an addition's traffic, and what it pushes out of the cache would have been of use.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace gw::kernels::cpu {

/// Results of at least this many bytes are streamed.
inline constexpr int64_t kStreamBytes = int64_t{16} << 20;

inline constexpr int64_t kLineBytes = 64;  ///< of a cache line

/// Elements that stream_run computes at once: a few registers only, so that the processor computes the next ones while
/// it waits for the stores of the last.
inline constexpr int64_t kStreamBlock = 64;

/// Writes one line to memory; `to` is aligned to it.
inline void stream_line(void* to, const void* from) {
#if defined(__AVX512F__)
  _mm512_stream_si512(static_cast<__m512i*>(to), _mm512_loadu_si512(from));
#elif defined(__SSE2__)
  for (int i = 0; i < 4; ++i)
    _mm_stream_si128(static_cast<__m128i*>(to) + i, _mm_loadu_si128(static_cast<const __m128i*>(from) + i));
#else
  std::memcpy(to, from, kLineBytes);
#endif
}

/// Streamed stores of this thread become visible to others in order only from here on.
inline void stream_fence() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

/// Computes out[0 .. n) in blocks and streams them; the caller ends with stream_fence(). fill(to, begin, count)
/// computes elements begin, begin + 1, ..., at most kStreamBlock of them; a whole block's `count` is a constant of its
/// type.
template <class T, class Fill>
void stream_run(T* out, int64_t n, const Fill& fill) {
  constexpr int64_t kBlock = kStreamBlock, kLine = kLineBytes / static_cast<int64_t>(sizeof(T));
  const auto beyond = static_cast<int64_t>(reinterpret_cast<uintptr_t>(out) % kLineBytes / sizeof(T));
  int64_t i = std::min(n, (kLine - beyond) % kLine);
  fill(out, 0, i);
  for (; i + kBlock <= n; i += kBlock) {
    alignas(kLineBytes) T block[kBlock];
    fill(block, i, std::integral_constant<int64_t, kBlock>{});
    for (int64_t k = 0; k < kBlock; k += kLine) stream_line(out + i + k, block + k);
  }
  fill(out + i, i, n - i);
}

/// stream_run with its fence, but runs that are too short for it to pay are stored plainly.
template <class T, class Fill>
void stream_blocks(T* out, int64_t n, const Fill& fill) {
  constexpr int64_t kShort = 2048;
  if (n < kShort) return fill(out, 0, n);
  stream_run(out, n, fill);
  stream_fence();
}

}  // namespace gw::kernels::cpu
