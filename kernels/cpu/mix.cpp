#include "kernels/cpu/mix.h"

#include <fmt/format.h>

#include <cstring>

#include "kernels/cpu/map.h"
#include "kernels/math/mix.h"

namespace gw::kernels::cpu {
namespace {

template <class T>
void copy(T* out, const T* x, int64_t n) {
  std::memcpy(static_cast<void*>(out), x, static_cast<size_t>(n) * sizeof(T));
}

/// What a run of elements becomes that lies within the box.
template <class T>
void mix_run(T* out, const T* own, const T* partner, float keep, int64_t n) {
  if (keep == 0) return copy(out, partner, n);  // also where the image is infinite
  map_run(
      out, n, /*stream=*/false, [keep](float a, float b) { return math::mix(a, b, keep); }, own, partner);
}

/// The box of an image in elements.
struct Rows {
  int64_t row, height;  ///< elements of a row, and rows
  int64_t top, bottom, left, right;
};

template <class T>
void mix_image(T* out, const T* own, const T* partner, float keep, const Rows& r) {
  copy(out, own, r.top * r.row);
  // Whole rows lie side by side: they are one run.
  const bool whole = r.right - r.left == r.row;
  const int64_t run = whole ? (r.bottom - r.top) * r.row : r.row, runs = whole ? 1 : r.bottom - r.top;
  for (int64_t i = 0, at = r.top * r.row; i < runs; ++i, at += run) {
    const int64_t begin = at + (whole ? 0 : r.left), end = at + (whole ? run : r.right);
    copy(out + at, own + at, begin - at);
    mix_run(out + begin, own + begin, partner + begin, keep, end - begin);
    copy(out + end, own + end, at + run - end);
  }
  copy(out + r.bottom * r.row, own + r.bottom * r.row, (r.height - r.bottom) * r.row);
}

}  // namespace

void mix_images(const Tensor& out, const Tensor& x, const ImageMix& mix) {
  const int64_t images = x.size(0), channels = x.size(1), height = x.size(2), row = x.size(3) * channels;
  const int64_t image = height * row;
  const Rows rows{row, height, mix.top, mix.bottom, mix.left * channels, mix.right * channels};
  visit_floating(x.dtype(), "mix_images", [&](auto v) {
    using T = decltype(v);
    const T* const from = x.data<T>();
    T* const to = out.data<T>();
    parallel_for(images, kParallelGrain / image + 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        mix_image(to + n * image, from + n * image, from + math::mix_partner(n, mix.shift, images) * image, mix.keep,
                  rows);
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
