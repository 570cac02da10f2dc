// A function of one bf16 has only 65,536 values. For large tensors it pays to compute them all once and look them up:
// the values that occur together mostly fit into the first cache, and a costly function then runs at the speed of
// memory.
#pragma once

#if defined(__AVX512BW__)
#include <immintrin.h>
#endif

#include <bit>
#include <cstring>
#include <vector>

#include "kernels/cpu/store.h"
#include "kernels/cpu/stream.h"
#include "kernels/parallel.h"
#include "tensor/dtype.h"

namespace gw::kernels::cpu {

class Bf16Table {
 public:
  /// Tensors of at least this many elements are worth a table.
  static constexpr int64_t kWorthwhile = int64_t{1} << 20;

  /// The values of f, a function of an f32, rounded to bf16.
  template <class F>
  explicit Bf16Table(const F& f) : values_(kValues + 1) {  // one more, as a gather reads 32 bits for each 16
    bf16* values = values_.data();
    parallel_for(kValues, kValues / 8, [=](int64_t begin, int64_t end) {
      const F local = f;
#pragma omp simd
      for (int64_t i = begin; i < end; ++i)
        store(values[i], local(std::bit_cast<float>(static_cast<uint32_t>(i) << 16)));
    });
  }

  /// out[i] = f(x[i]).
  void map(bf16* out, const bf16* x, int64_t n, bool stream) const {
    parallel_for(n, kParallelGrain, [=, this](int64_t begin, int64_t end) {
      const auto fill = [=, this](bf16* to, int64_t first, auto count) { look_up(to, x + begin + first, count); };
      stream ? stream_blocks(out + begin, end - begin, fill) : fill(out + begin, 0, end - begin);
    });
  }

 private:
  static constexpr int64_t kValues = 65536;

  void look_up(bf16* to, const bf16* x, int64_t n) const {
    const bf16* values = values_.data();
    int64_t i = 0;
#if defined(__AVX512BW__)
    // The even elements of a register and the odd ones each index a gather. The masked form, because GCC 12 warns of
    // an uninitialised register in the plain one.
    using Words = uint32_t __attribute__((vector_size(64)));
    const auto gather = [values](Words index) {
      const __m512i zero = _mm512_setzero_si512();
      return reinterpret_cast<Words>(
          _mm512_mask_i32gather_epi32(zero, 0xffff, reinterpret_cast<__m512i>(index), values, 2));
    };
    for (; i + 32 <= n; i += 32) {
      Words pairs;
      std::memcpy(&pairs, x + i, sizeof pairs);
      const Words even = gather(pairs & 0xffffu) & 0xffffu, odd = gather(pairs >> 16) << 16;
      const Words both = even | odd;
      std::memcpy(to + i, &both, sizeof both);
    }
#endif
    for (; i < n; ++i) to[i] = values[x[i].bits];
  }

  std::vector<bf16> values_;
};

}  // namespace gw::kernels::cpu
