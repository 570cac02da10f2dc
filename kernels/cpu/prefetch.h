// Reading ahead. The processor's own prefetcher follows reads that go from line to line, but not far enough ahead to
// keep memory busy, and a loop over several rows at once, which jumps among them, leaves it behind. So loops ask for
// the rows that come next, line after line.
#pragma once

#include <cstdint>

#include "kernels/cpu/stream.h"

namespace gw::kernels::cpu {

/// Half a page, with which batch norm's forward pass takes 0.75 of its time. With a page it takes as long as without
/// (one thread of a Xeon with AMX).
inline constexpr int64_t kAheadBytes = 2048;

/// Begins to read `count` elements, which may lie beyond the end of their array.
template <class T>
inline void prefetch(const T* from, int64_t count) {
  constexpr int64_t kLine = kLineBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < count; i += kLine) __builtin_prefetch(from + i);
}

/// The same for what lies a little ahead of a row.
template <class T>
inline void prefetch_ahead(const T* row, int64_t count) {
  prefetch(row + kAheadBytes / static_cast<int64_t>(sizeof(T)), count);
}

/// The same for a row that is about to be written without streaming.
template <class T>
inline void prefetch_ahead_to_write(T* row, int64_t count) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < count; i += kLineBytes / kSize) __builtin_prefetch(row + kAheadBytes / kSize + i, 1);
}

}  // namespace gw::kernels::cpu
