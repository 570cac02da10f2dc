#include "kernels/cpu/dropout.h"

#include <bit>

#include "kernels/cpu/random_words.h"
#include "kernels/math/dropout.h"

namespace gw::kernels::cpu {
namespace {

float scale_of(double p) { return p < 1 ? static_cast<float>(1 / (1 - p)) : 0.0f; }

}  // namespace

void dropout(const Tensor& y, const Tensor& x, double p, PhiloxState state) {
  visit_floating(x.dtype(), "dropout", [&](auto v) {
    using T = decltype(v);
    const T* from = x.data<T>();
    T* to = y.data<T>();
    const float rate = static_cast<float>(p), scale = scale_of(p);
    for_each_word_chunk(x.numel(), state, [=](const uint32_t* words, int64_t begin, int64_t end) {
      for (int64_t i = 0; i < end - begin; ++i) {
        // Bits are cut off, not multiplied: an infinite element is dropped to 0 too, and there is no branch.
        const uint32_t kept = math::dropout_factor(words[i], rate, 1.0f) == 0.0f ? 0u : ~0u;
        const float product = static_cast<float>(from[begin + i]) * scale;
        to[begin + i] = T(std::bit_cast<float>(std::bit_cast<uint32_t>(product) & kept));
      }
    });
  });
}

void dropout_mask(const Tensor& mask, double p, PhiloxState state) {
  float* to = mask.data<float>();
  const float rate = static_cast<float>(p), scale = scale_of(p);
  for_each_word_chunk(mask.numel(), state, [=](const uint32_t* words, int64_t begin, int64_t end) {
    for (int64_t i = 0; i < end - begin; ++i) to[begin + i] = math::dropout_factor(words[i], rate, scale);
  });
}

}  // namespace gw::kernels::cpu
