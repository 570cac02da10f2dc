// The words of the Philox stream, block by block in vector registers.
#pragma once

#include <array>

#include "kernels/math/philox.h"
#include "kernels/parallel.h"
#include "tensor/random.h"

namespace gw::kernels::cpu {

/// How many words are made at a time: few enough to stay in the first cache until they are used.
inline constexpr int64_t kRandomChunk = 1024;
using RandomWords = std::array<uint32_t, kRandomChunk>;

/// Fills `words` with those of the stream from word `first` (a multiple of 4) on; at least `count` of them.
inline void draw(RandomWords& words, PhiloxState state, int64_t first, int64_t count) {
  const uint64_t block = state.offset + static_cast<uint64_t>(first / 4);
  const int64_t blocks = (count + 3) / 4;
  for (int64_t b = 0; b < blocks; ++b) {
    const math::PhiloxBlock p = math::philox(state.seed, block + static_cast<uint64_t>(b));
    uint32_t* w = words.data() + 4 * b;
    w[0] = p.w0, w[1] = p.w1, w[2] = p.w2, w[3] = p.w3;
  }
}

/// Calls body(words, begin, end) in parallel for runs of words [begin, end) that cover [0, n).
template <class Body>
void for_each_word_chunk(int64_t n, PhiloxState state, const Body& body) {
  const int64_t chunks = (n + kRandomChunk - 1) / kRandomChunk;
  parallel_for(chunks, kParallelGrain / kRandomChunk, [&](int64_t first, int64_t last) {
    alignas(64) RandomWords words;
    for (int64_t c = first; c < last; ++c) {
      const int64_t begin = c * kRandomChunk, end = std::min(n, begin + kRandomChunk);
      draw(words, state, begin, end - begin);
      body(static_cast<const uint32_t*>(words.data()), begin, end);
    }
  });
}

}  // namespace gw::kernels::cpu
