// Stores that go past the caches. A plain store first reads the line that it is about to overwrite; for results larger
// than the caches that is a third of an addition's traffic, and what it pushes out of the cache would have been of use.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace gw::kernels::cpu {

/// Results of at least this many bytes are streamed.
inline constexpr int64_t kStreamBytes = int64_t{64} << 20;

/// Copies a block from the first cache to memory.
inline void stream_bytes(char* to, const char* from, int64_t bytes) {
#if defined(__SSE2__)
  constexpr int64_t kVector = 16;
  const int64_t head = std::min(bytes, static_cast<int64_t>(-reinterpret_cast<uintptr_t>(to) % kVector));
  std::memcpy(to, from, static_cast<size_t>(head));
  int64_t i = head;
  for (; i + kVector <= bytes; i += kVector)
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
  std::memcpy(to + i, from + i, static_cast<size_t>(bytes - i));
#else
  std::memcpy(to, from, static_cast<size_t>(bytes));
#endif
}

/// Computes out[0 .. n) block by block, fill(block, begin, count), and streams each block. Runs shorter than a block
/// are stored plainly: cut into pieces, streamed lines would be written half full.
template <class T, class Fill>
void stream_blocks(T* out, int64_t n, const Fill& fill) {
  constexpr int64_t kBlock = 2048;
  if (n < kBlock) return fill(out, 0, n);
  alignas(64) T block[kBlock];
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t count = std::min(kBlock, n - begin);
    fill(block, begin, count);
    stream_bytes(reinterpret_cast<char*>(out + begin), reinterpret_cast<const char*>(block),
                 count * static_cast<int64_t>(sizeof(T)));
  }
#if defined(__SSE2__)
  _mm_sfence();  // streamed stores become visible to other threads in order only from here on
#endif
}

}  // namespace gw::kernels::cpu
