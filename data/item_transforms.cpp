// Geometry of single images: crops, margins, symmetries. Colours are in color_jitter.cpp.
#include "data/item_transforms.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tensor/creation.h"

namespace gw {
namespace {

void check_image(const char* op, const Tensor& image) {
  if (image.dim() != 3 || image.dtype() != DType::u8 || image.numel() == 0)
    throw ShapeError(fmt::format("{}: expected an image u8 [C, H, W], got {} {}", op, name_of(image.dtype()),
                                 image.shape().to_string()));
}

/// An image whose pixel (y, x) is that of `image` at (row(y), column(x)); a negative place is `value`.
template <class Row, class Column>
Tensor remap(const Tensor& image, int64_t height, int64_t width, const Row& row, const Column& column, uint8_t value) {
  const Tensor source = image.contiguous(), out = empty({image.size(0), height, width}, {.dtype = DType::u8});
  const int64_t in_height = image.size(1), in_width = image.size(2);
  uint8_t* to = out.data<uint8_t>();
  for (int64_t c = 0; c < image.size(0); ++c)
    for (int64_t y = 0; y < height; ++y) {
      const int64_t from = row(y);
      const uint8_t* const line = source.data<uint8_t>() + (c * in_height + std::max<int64_t>(from, 0)) * in_width;
      for (int64_t x = 0; x < width; ++x) {
        const int64_t place = column(x);
        *to++ = from < 0 || place < 0 ? value : line[place];
      }
    }
  return out;
}

/// Where a place outside of [0, size) takes its pixel from; -1 for nowhere.
int64_t place_inside(int64_t place, int64_t size, PadMode mode) {
  if (place >= 0 && place < size) return place;
  switch (mode) {
    case PadMode::constant:
      return -1;
    case PadMode::edge:
      return std::clamp<int64_t>(place, 0, size - 1);
    case PadMode::reflect:
      return place < 0 ? -place : 2 * (size - 1) - place;
    case PadMode::symmetric:
      return place < 0 ? -1 - place : 2 * size - 1 - place;
  }
  return -1;
}

int64_t rounded(double value) { return std::llround(value); }

}  // namespace

Tensor crop(const Tensor& image, int64_t top, int64_t left, int64_t height, int64_t width) {
  check_image("crop", image);
  if (top < 0 || left < 0 || height < 1 || width < 1 || top + height > image.size(1) || left + width > image.size(2))
    throw ConfigError(fmt::format("crop: expected a part of {} x {} pixels, got {} x {} at row {}, column {}",
                                  image.size(1), image.size(2), height, width, top, left));
  return image.slice(1, top, top + height).slice(2, left, left + width).contiguous();
}

Tensor resize_and_center_crop(const Tensor& image, int64_t size, Filter filter) {
  check_image("resize_and_center_crop", image);
  const auto height = static_cast<double>(image.size(1)), width = static_cast<double>(image.size(2));
  const double side = std::min(height, width);
  const Box middle{(width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2};
  return resize(image, size, size, filter, middle);
}

Tensor pad(const Tensor& image, const Margins& m, PadMode mode, uint8_t value) {
  check_image("pad", image);
  const int64_t height = image.size(1), width = image.size(2);
  const auto [least, most] = std::minmax({m.left, m.top, m.right, m.bottom});
  if (least < 0) throw ConfigError(fmt::format("pad: expected margins of at least 0, got {}", least));
  const int64_t room = std::min(height, width) - (mode == PadMode::reflect ? 1 : 0);
  if ((mode == PadMode::reflect || mode == PadMode::symmetric) && most > room)
    throw ConfigError(fmt::format("pad: an image of {} x {} can be mirrored over {} pixels, got a margin of {}", height,
                                  width, room, most));
  return remap(
      image, height + m.top + m.bottom, width + m.left + m.right,
      [&](int64_t y) { return place_inside(y - m.top, height, mode); },
      [&](int64_t x) { return place_inside(x - m.left, width, mode); }, value);
}

Tensor flip_horizontally(const Tensor& image) {
  check_image("flip_horizontally", image);
  const int64_t last = image.size(2) - 1;
  return remap(
      image, image.size(1), image.size(2), [](int64_t y) { return y; }, [=](int64_t x) { return last - x; }, 0);
}

Tensor flip_vertically(const Tensor& image) {
  check_image("flip_vertically", image);
  const int64_t last = image.size(1) - 1;
  return remap(
      image, image.size(1), image.size(2), [=](int64_t y) { return last - y; }, [](int64_t x) { return x; }, 0);
}

Tensor dihedral(const Tensor& image, int symmetry) {
  check_image("dihedral", image);
  if (symmetry < 0 || symmetry > 7)
    throw ConfigError(fmt::format("dihedral: expected one of the symmetries 0 to 7, got {}", symmetry));
  Tensor out = image;
  if (symmetry & 1) out = flip_horizontally(out);
  if (symmetry & 2) out = flip_vertically(out);
  if (symmetry & 4) out = out.transpose(1, 2);
  return out.contiguous();
}

Box draw_crop(int64_t height, int64_t width, const RandomResizedCropOptions& o, Generator& generator) {
  constexpr int kTries = 10;
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  const auto uniform = [&](double low, double high) { return low + (high - low) * rand({1}, {}, generator).item(); };
  for (int i = 0; i < kTries; ++i) {
    const double area = h * w * uniform(o.least_area, o.most_area);
    const double ratio = std::exp(uniform(std::log(o.least_ratio), std::log(o.most_ratio)));
    const int64_t part_w = rounded(std::sqrt(area * ratio)), part_h = rounded(std::sqrt(area / ratio));
    if (part_w < 1 || part_h < 1 || part_w > width || part_h > height) continue;
    const auto left = static_cast<double>(randint(0, width - part_w + 1, {1}, {}, generator).item());
    const auto top = static_cast<double>(randint(0, height - part_h + 1, {1}, {}, generator).item());
    return {left, top, left + static_cast<double>(part_w), top + static_cast<double>(part_h)};
  }
  const double part_w = std::min(w, static_cast<double>(rounded(h * o.most_ratio)));
  const double part_h = std::min(h, static_cast<double>(rounded(w / o.least_ratio)));
  const double left = std::floor((w - part_w) / 2), top = std::floor((h - part_h) / 2);
  return {left, top, left + part_w, top + part_h};
}

Tensor random_resized_crop(const Tensor& image, int64_t size, Generator& generator,
                           const RandomResizedCropOptions& options, Filter filter) {
  check_image("random_resized_crop", image);
  return resize(image, size, size, filter, draw_crop(image.size(1), image.size(2), options, generator));
}

std::function<Tensor(const Tensor&, Generator&)> compose(std::vector<ItemTransform> transforms) {
  std::stable_sort(transforms.begin(), transforms.end(),
                   [](const ItemTransform& a, const ItemTransform& b) { return a.order < b.order; });
  return [transforms = std::move(transforms)](const Tensor& image, Generator& generator) {
    Tensor out = image;
    for (const ItemTransform& t : transforms) out = t.apply(out, generator);
    return out;
  };
}

}  // namespace gw
