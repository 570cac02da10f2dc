// Dropout. A thread makes four words of the Philox stream and decides on four neighbouring elements, which it reads and
// writes with one access each; the mask is never stored. f32 moves 8 bytes an element, bf16 4.
#include "kernels/cuda/dropout.h"

#include "kernels/cuda/combine.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/random_words.h"
#include "kernels/math/dropout.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWords = 4;

float scale_of(double p) { return p < 1 ? static_cast<float>(1 / (1 - p)) : 0.0f; }

struct ApplyMask {
  GW_HOST_DEVICE float operator()(float x, float factor) const { return factor == 0.0f ? 0.0f : x * factor; }
};

/// y = x times its factor. An infinite element is dropped to 0 too.
template <bool kPacks, class T>
__global__ void __launch_bounds__(kThreads)
    dropout_elements(T* y, const T* x, int64_t n, float p, float scale, RandomStream stream) {
  const int64_t block = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x, at = block * kWords;
  if (at >= n) return;
  const bool whole = kPacks && at + kWords <= n;
  Pack<T, kWords> values{};
  if (whole)
    values = load_pack<kWords>(x + at);
  else
    for (int k = 0; k < kWords && at + k < n; ++k) values.at[k] = x[at + k];
  const math::PhiloxBlock w = stream.block(block);
  const uint32_t words[kWords] = {w.w0, w.w1, w.w2, w.w3};
#pragma unroll
  for (int k = 0; k < kWords; ++k) {
    const float factor = math::dropout_factor(words[k], p, scale);
    values.at[k] = factor == 0.0f ? T(0.0f) : T(static_cast<float>(values.at[k]) * factor);
  }
  if (whole)
    *reinterpret_cast<Pack<T, kWords>*>(y + at) = values;
  else
    for (int k = 0; k < kWords && at + k < n; ++k) y[at + k] = values.at[k];
}

/// The factors themselves, into memory of their own.
__global__ void __launch_bounds__(kThreads)
    dropout_factors(float* mask, int64_t n, float p, float scale, RandomStream stream) {
  const int64_t block = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (block * kWords >= n) return;
  const math::PhiloxBlock w = stream.block(block);
  store_values<float, kWords>(mask, block * kWords, n, true,
                              {math::dropout_factor(w.w0, p, scale), math::dropout_factor(w.w1, p, scale),
                               math::dropout_factor(w.w2, p, scale), math::dropout_factor(w.w3, p, scale)});
}

}  // namespace

void dropout(const Tensor& y, const Tensor& x, double p, PhiloxState state) {
  const int64_t n = x.numel();
  const LaunchShape shape{"dropout", blocks_for(n, int64_t{kThreads} * kWords), kThreads};
  visit_floating(x.dtype(), "dropout", [&](auto v) {
    using T = decltype(v);
    const bool aligned = is_aligned(x.data<T>(), kWords) && is_aligned(y.data<T>(), kWords);
    launch(stream_for(x), shape, aligned ? dropout_elements<true, T> : dropout_elements<false, T>, y.data<T>(),
           x.data<T>(), n, static_cast<float>(p), scale_of(p), RandomStream(state, x.device()));
  });
}

void dropout_mask(const Tensor& mask, double p, PhiloxState state) {
  const int64_t n = mask.numel();
  launch(stream_for(mask), {"dropout_mask", blocks_for(n, int64_t{kThreads} * kWords), kThreads}, dropout_factors,
         mask.data<float>(), n, static_cast<float>(p), scale_of(p), RandomStream(state, mask.device()));
}

void apply_mask(const Tensor& y, const Tensor& x, const Tensor& mask) {
  visit_floating(x.dtype(), "dropout", [&](auto v) {
    using T = decltype(v);
    map<T, T, float>("apply_mask", ApplyMask{}, y, x, mask);
  });
}

}  // namespace gw::kernels::cuda
