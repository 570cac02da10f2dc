#include "kernels/cpu/mix.h"

#include <fmt/format.h>

#include <cstring>

#include "kernels/cpu/store.h"
#include "kernels/math/mix.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

template <class T>
void copy(T* out, const T* x, int64_t n) {
  std::memcpy(static_cast<void*>(out), x, static_cast<size_t>(n) * sizeof(T));
}

template <class T>
void mix_run(T* out, const T* own, const T* partner, float keep, int64_t n) {
  if (keep == 0) return copy(out, partner, n);  // also where the image is infinite
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    store(out[i], math::mix(static_cast<float>(own[i]), static_cast<float>(partner[i]), keep));
}

}  // namespace

void mix_images(const Tensor& out, const Tensor& x, const ImageMix& mix) {
  const int64_t images = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3), row = width * channels;
  const int64_t left = mix.left * channels, right = mix.right * channels;
  visit_floating(x.dtype(), "mix_images", [&](auto v) {
    using T = decltype(v);
    const T* const from = x.data<T>();
    T* const to = out.data<T>();
    parallel_for(images * height, kParallelGrain / row + 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t n = r / height, y = r % height;
        const T* const own = from + r * row;
        T* const result = to + r * row;
        if (y < mix.top || y >= mix.bottom) {
          copy(result, own, row);
          continue;
        }
        const T* const partner = from + (math::mix_partner(n, mix.shift, images) * height + y) * row;
        copy(result, own, left);
        mix_run(result + left, own + left, partner + left, mix.keep, right - left);
        copy(result + right, own + right, row - right);
      }
    });
  });
}

void mix_targets(const Tensor& out, const Tensor& labels, int64_t shift, float lam) {
  const int64_t images = out.size(0), classes = out.size(1);
  const int64_t* const label = labels.data<int64_t>();
  float* to = out.data<float>();
  for (int64_t n = 0; n < images; ++n) {
    if (label[n] < 0 || label[n] >= classes)
      throw ShapeError(
          fmt::format("mix_targets: label {} (element {}) is not one of the {} classes", label[n], n, classes));
    const int64_t partner = label[math::mix_partner(n, shift, images)];
    for (int64_t c = 0; c < classes; ++c) *to++ = math::mixed_target(c, label[n], partner, lam);
  }
}

}  // namespace gw::kernels::cpu
