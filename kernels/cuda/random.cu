// Random fills: what is written depends on the seed and the place in the stream alone, as on the CPU. A thread makes
// one block of Philox, four words, and writes the elements that follow from it with one access: four of uniform and
// normal numbers, two of integers.
#include "kernels/cuda/random.h"

#include <type_traits>

#include "kernels/cuda/random_words.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// low + width * [0, 1).
template <class T>
struct Uniform {
  float low, width;

  GW_HOST_DEVICE Pack<T, 4> operator()(const math::PhiloxBlock& w) const {
    return {value(w.w0), value(w.w1), value(w.w2), value(w.w3)};
  }
  GW_HOST_DEVICE T value(uint32_t word) const { return T(std::fma(width, math::unit<T>(word), low)); }
};

/// mean + std * a standard normal number.
template <class T>
struct Normal {
  float mean, std;

  GW_HOST_DEVICE Pack<T, 4> operator()(const math::PhiloxBlock& w) const {
    const math::NormalPair a = math::normal_pair(w.w0, w.w1), b = math::normal_pair(w.w2, w.w3);
    return {value(a.first), value(a.second), value(b.first), value(b.second)};
  }
  GW_HOST_DEVICE T value(float z) const { return T(std::fma(std, z, mean)); }
};

/// low + an integer in [0, range).
template <class T>
struct Integers {
  int64_t low;
  uint64_t range;

  GW_HOST_DEVICE Pack<T, 2> operator()(const math::PhiloxBlock& w) const {
    return {value(w.w0, w.w1), value(w.w2, w.w3)};
  }
  GW_HOST_DEVICE T value(uint32_t first, uint32_t second) const {
    const uint64_t shifted = static_cast<uint64_t>(low) + math::uniform_integer(first, second, range);
    if constexpr (std::is_same_v<T, bf16>)
      return bf16(static_cast<float>(static_cast<int64_t>(shifted)));
    else
      return static_cast<T>(static_cast<int64_t>(shifted));
  }
};

/// Writes the values that f makes of each block of the stream.
template <int N, class T, class F>
__global__ void __launch_bounds__(kThreads) random_fill(T* out, int64_t n, bool aligned, RandomStream stream, F f) {
  const int64_t block = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (block * N < n) store_values<T, N>(out, block * N, n, aligned, f(stream.block(block)));
}

template <int N, class T, class F>
void fill_random(const char* kernel, const Tensor& out, PhiloxState state, const F& f) {
  const int64_t n = out.numel();
  launch(stream_for(out), {kernel, blocks_for(n, int64_t{kThreads} * N), kThreads}, random_fill<N, T, F>, out.data<T>(),
         n, is_aligned(out.data<T>(), N), RandomStream(state, out.device()), f);
}

}  // namespace

void uniform(const Tensor& out, double low, double high, PhiloxState state) {
  visit_floating(out.dtype(), "uniform", [&](auto v) {
    using T = decltype(v);
    fill_random<4, T>("uniform", out, state, Uniform<T>{static_cast<float>(low), static_cast<float>(high - low)});
  });
}

void normal(const Tensor& out, double mean, double std, PhiloxState state) {
  visit_floating(out.dtype(), "normal", [&](auto v) {
    using T = decltype(v);
    fill_random<4, T>("normal", out, state, Normal<T>{static_cast<float>(mean), static_cast<float>(std)});
  });
}

void random_integers(const Tensor& out, int64_t low, uint64_t range, PhiloxState state) {
  visit(out.dtype(), [&](auto v) {
    using T = decltype(v);
    fill_random<2, T>("random_integers", out, state, Integers<T>{low, range});
  });
}

}  // namespace gw::kernels::cuda
