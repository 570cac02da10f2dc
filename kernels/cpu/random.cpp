#include "kernels/cpu/random.h"

#include "kernels/cpu/random_words.h"

namespace gw::kernels::cpu {
void uniform(const Tensor& out, double low, double high, PhiloxState state) {
  visit_floating(out.dtype(), "uniform", [&](auto type) {
    using T = decltype(type);
    T* const y = out.data<T>();
    const float from = static_cast<float>(low), width = static_cast<float>(high - low);
    for_each_word_chunk(out.numel(), state, [=](const uint32_t* words, int64_t begin, int64_t end) {
      for (int64_t i = 0; i < end - begin; ++i) y[begin + i] = T(from + width * math::unit<T>(words[i]));
    });
  });
}

void normal(const Tensor& out, double mean, double std, PhiloxState state) {
  visit_floating(out.dtype(), "normal", [&](auto type) {
    using T = decltype(type);
    T* const y = out.data<T>();
    const float m = static_cast<float>(mean), s = static_cast<float>(std);
    for_each_word_chunk(out.numel(), state, [=](const uint32_t* words, int64_t begin, int64_t end) {
      const int64_t pairs = (end - begin) / 2;
      for (int64_t i = 0; i < pairs; ++i) {
        const math::NormalPair z = math::normal_pair(words[2 * i], words[2 * i + 1]);
        y[begin + 2 * i] = T(m + s * z.first);
        y[begin + 2 * i + 1] = T(m + s * z.second);
      }
      if ((end - begin) % 2 != 0)
        y[end - 1] = T(m + s * math::normal_pair(words[2 * pairs], words[2 * pairs + 1]).first);
    });
  });
}

void random_integers(const Tensor& out, int64_t low, uint64_t range, PhiloxState state) {
  visit(out.dtype(), [&](auto type) {
    using T = decltype(type);
    T* const y = out.data<T>();
    for_each_word_chunk(2 * out.numel(), state, [=](const uint32_t* words, int64_t begin, int64_t end) {
      for (int64_t i = 0; i < (end - begin) / 2; ++i) {
        const uint64_t value = math::uniform_integer(words[2 * i], words[2 * i + 1], range);
        const auto shifted = static_cast<int64_t>(static_cast<uint64_t>(low) + value);
        if constexpr (std::is_same_v<T, bf16>)
          y[begin / 2 + i] = bf16(static_cast<float>(shifted));
        else
          y[begin / 2 + i] = static_cast<T>(shifted);
      }
    });
  });
}

}  // namespace gw::kernels::cpu
