// Reading ahead. The processor's own prefetcher follows reads that go from line to line; a loop over several rows at
// once, which jumps among them, leaves it behind. So such loops ask for the rows that come next, line after line.
#pragma once

#include <cstdint>

#include "kernels/cpu/stream.h"

namespace gw::kernels::cpu {

/// Begins to read `count` elements, which may lie beyond the end of their array.
template <class T>
inline void prefetch(const T* from, int64_t count) {
  constexpr int64_t kLine = kLineBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < count; i += kLine) __builtin_prefetch(from + i);
}

}  // namespace gw::kernels::cpu
