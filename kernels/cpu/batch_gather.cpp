#include "kernels/cpu/batch_gather.h"

#include <fmt/format.h>

#include <array>

#include "kernels/math/augment.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// A byte has only 256 values, so each channel's normalisation is a table: no division, and the same rounding
/// everywhere.
template <class T>
using Table = std::array<T, 256>;

template <class T>
Table<T> normalisation_table(float mean, float std) {
  Table<T> table;
  for (int value = 0; value < 256; ++value)
    table[static_cast<size_t>(value)] = static_cast<T>((static_cast<float>(value) / 255.0f - mean) / std);
  return table;
}

void check_indices(const int64_t* indices, int64_t n, int64_t limit) {
  for (int64_t i = 0; i < n; ++i)
    if (indices[i] < 0 || indices[i] >= limit)
      throw ShapeError(fmt::format("batch_gather: index {} is out of range, expected 0 to {}", indices[i], limit - 1));
}

math::CropFlipDraw draw_for(const CropFlip& c, int64_t image) {
  return math::draw_crop_flip(c.state, c.options.per_image ? image : 0, c.options);
}

/// One channel of one image: its bytes, and its place in the result, whose pixels are `channels` elements apart.
template <class T>
struct Plane {
  const uint8_t* from;
  T* to;
  int64_t height, width, channels;
  const Table<T>& table;
};

template <class T>
void convert(const Plane<T>& p) {
  const int64_t pixels = p.height * p.width;
  for (int64_t i = 0; i < pixels; ++i) p.to[i * p.channels] = p.table[p.from[i]];
}

/// The same with every pixel read from where `draw` says; those outside of the image become `outside`.
template <class T>
void convert(const Plane<T>& p, const math::CropFlipDraw& draw, T outside) {
  const int64_t first = math::crop_flip_source({0, 0}, p.width, draw).x, step = draw.mirrored ? -1 : 1;
  // Columns first + step * x that lie inside of the image.
  const int64_t begin = std::clamp<int64_t>(draw.mirrored ? first - (p.width - 1) : -first, 0, p.width);
  const int64_t end = std::clamp<int64_t>(draw.mirrored ? first + 1 : p.width - first, begin, p.width);
  for (int64_t y = 0; y < p.height; ++y) {
    const int64_t source_y = math::crop_flip_source({y, 0}, p.width, draw).y;
    const bool inside = source_y >= 0 && source_y < p.height;
    const int64_t from = inside ? begin : p.width, to = inside ? end : p.width;
    const uint8_t* row = p.from + (inside ? source_y : 0) * p.width;
    T* out = p.to + y * p.width * p.channels;
    for (int64_t x = 0; x < from; ++x) out[x * p.channels] = outside;
    for (int64_t x = from; x < to; ++x) out[x * p.channels] = p.table[row[first + step * x]];
    for (int64_t x = to; x < p.width; ++x) out[x * p.channels] = outside;
  }
}

}  // namespace

void batch_gather(const Tensor& out, const Tensor& images, const Tensor& indices, const std::vector<float>& mean,
                  const std::vector<float>& std, const std::optional<CropFlip>& crop_flip) {
  const int64_t n = indices.numel(), channels = images.size(1), height = images.size(2), width = images.size(3);
  const int64_t* index = indices.data<int64_t>();
  check_indices(index, n, images.size(0));
  visit_floating(out.dtype(), "batch_gather", [&](auto v) {
    using T = decltype(v);
    std::vector<Table<T>> tables;
    for (size_t c = 0; c < mean.size(); ++c) tables.push_back(normalisation_table<T>(mean[c], std[c]));
    const uint8_t* from = images.data<uint8_t>();
    T* to = out.data<T>();
    const int64_t pixels = height * width, image = channels * pixels;
    parallel_for(
        n, std::max<int64_t>(1, kParallelGrain / std::max<int64_t>(image, 1)), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const auto draw = crop_flip ? draw_for(*crop_flip, i) : math::CropFlipDraw{};
            for (int64_t c = 0; c < channels; ++c) {
              const Plane<T> plane{from + index[i] * image + c * pixels, to + i * image + c, height, width, channels,
                                   tables[static_cast<size_t>(c)]};
              if (crop_flip)
                convert(plane, draw, crop_flip->options.pad_bytes ? plane.table[0] : T(0.0f));
              else
                convert(plane);
            }
          }
        });
  });
}

}  // namespace gw::kernels::cpu
