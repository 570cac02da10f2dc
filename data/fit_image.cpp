// fit_image: from a picture of any size to what a model expects.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/image_file.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// One channel of a picture, 0 to 255.
struct Plane {
  int64_t height, width;
  std::vector<float> values;
  float ground = 0;  ///< the colour around the object

  float at(int64_t y, int64_t x) const { return values[static_cast<size_t>(y * width + x)]; }
};

/// The channels of a picture, or its luma (ITU-R BT.601) for one.
std::vector<Plane> planes_of(const Tensor& rgb, int64_t channels) {
  const int64_t height = rgb.size(1), width = rgb.size(2), pixels = height * width;
  const std::vector<float> all = rgb.to_vector<float>();
  std::vector<Plane> planes;
  for (int64_t c = 0; c < channels; ++c) {
    const auto first = all.begin() + c * pixels;
    planes.push_back({height, width, {first, first + pixels}, 0});
  }
  if (channels == 3) return planes;
  for (int64_t i = 0; i < pixels; ++i) {
    const auto at = [&](int64_t c) { return all[static_cast<size_t>(c * pixels + i)]; };
    // Grey stays what it is, to the last digit.
    if (at(0) != at(1) || at(1) != at(2))
      planes[0].values[static_cast<size_t>(i)] = 0.299f * at(0) + 0.587f * at(1) + 0.114f * at(2);
  }
  return planes;
}

/// Mean of the four corners, each a fourteenth of the picture high and wide.
float corner_mean(const Plane& p) {
  const int64_t h = std::max<int64_t>(1, p.height / 14), w = std::max<int64_t>(1, p.width / 14);
  double sum = 0;
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x)
      sum +=
          p.at(y, x) + p.at(y, p.width - 1 - x) + p.at(p.height - 1 - y, x) + p.at(p.height - 1 - y, p.width - 1 - x);
  return static_cast<float>(sum / static_cast<double>(4 * h * w));
}

bool is_bright_ground(const std::vector<Plane>& planes) {
  constexpr float kMiddle = 127.5f;
  float sum = 0;
  for (const Plane& p : planes) sum += p.ground;
  return sum / static_cast<float>(planes.size()) > kMiddle;
}

void invert(Plane& p) {
  for (float& v : p.values) v = 255 - v;
  p.ground = 255 - p.ground;
}

/// Cuts all planes down to the smallest box outside of which nothing differs from the ground by more than a twentieth
/// of the range. A picture of nothing but ground stays whole.
void trim(std::vector<Plane>& planes) {
  constexpr float kSame = 255.0f / 20;
  const int64_t height = planes[0].height, width = planes[0].width;
  int64_t top = height, bottom = -1, left = width, right = -1;
  for (const Plane& p : planes) {
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        if (std::abs(p.at(y, x) - p.ground) <= kSame) continue;
        top = std::min(top, y);
        bottom = std::max(bottom, y);
        left = std::min(left, x);
        right = std::max(right, x);
      }
  }
  if (bottom < 0) return;
  for (Plane& p : planes) {
    Plane part{bottom - top + 1, right - left + 1, {}, p.ground};
    for (int64_t y = top; y <= bottom; ++y)
      part.values.insert(part.values.end(), p.values.begin() + y * width + left,
                         p.values.begin() + y * width + right + 1);
    p = std::move(part);
  }
}

/// Resizes the rows to another width, and turns the picture over its diagonal, so that twice of it does both.
Plane resized_transposed(const Plane& p, int64_t width) {
  Plane out{width, p.height, std::vector<float>(static_cast<size_t>(width * p.height)), p.ground};
  const double scale = static_cast<double>(p.width) / static_cast<double>(width);
  const double reach = std::max(1.0, scale);
  for (int64_t x = 0; x < width; ++x) {
    const double center = (static_cast<double>(x) + 0.5) * scale - 0.5;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(std::ceil(center - reach)));
    const auto last = std::min(p.width - 1, static_cast<int64_t>(std::floor(center + reach)));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t i = first; i <= last; ++i) {
      weights.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(i) - center) / reach));
      sum += weights.back();
    }
    for (int64_t y = 0; y < p.height; ++y) {
      double value = 0;
      for (int64_t i = first; i <= last; ++i) value += weights[static_cast<size_t>(i - first)] * p.at(y, i);
      out.values[static_cast<size_t>(x * p.height + y)] = static_cast<float>(value / sum);
    }
  }
  return out;
}

Plane resized(const Plane& p, int64_t height, int64_t width) {
  if (p.height == height && p.width == width) return p;
  return resized_transposed(resized_transposed(p, width), height);
}

/// Resized to fit into the goal with its proportions kept, in the middle of its ground's colour.
Plane fitted(const Plane& p, int64_t height, int64_t width) {
  const double scale = std::min(static_cast<double>(height) / static_cast<double>(p.height),
                                static_cast<double>(width) / static_cast<double>(p.width));
  const auto scaled = [&](int64_t size, int64_t most) {
    return std::clamp<int64_t>(std::llround(static_cast<double>(size) * scale), 1, most);
  };
  const Plane small = resized(p, scaled(p.height, height), scaled(p.width, width));
  Plane out{height, width, std::vector<float>(static_cast<size_t>(height * width), p.ground), p.ground};
  const int64_t top = (height - small.height) / 2, left = (width - small.width) / 2;
  for (int64_t y = 0; y < small.height; ++y)
    std::copy_n(small.values.begin() + y * small.width, small.width, out.values.begin() + (y + top) * width + left);
  return out;
}

}  // namespace

Tensor fit_image(const Tensor& rgb, int64_t channels, int64_t height, int64_t width, const FitImageOptions& o) {
  if (channels != 1 && channels != 3)
    throw ConfigError(fmt::format("fit_image: expected a model of 1 or 3 channels, got one of {}", channels));
  if (rgb.dim() != 3 || rgb.size(0) != 3 || rgb.numel() == 0)
    throw ShapeError(fmt::format("fit_image: expected an image [3, H, W], got {}", rgb.shape().to_string()));
  std::vector<Plane> planes = planes_of(rgb, channels);
  for (Plane& p : planes) p.ground = corner_mean(p);
  const bool inverts = o.invert == Invert::always || (o.invert == Invert::automatic && is_bright_ground(planes));
  if (o.trim && (rgb.size(1) != height || rgb.size(2) != width)) trim(planes);
  const Tensor out = empty({channels, height, width}, {.dtype = DType::u8});
  uint8_t* to = out.data<uint8_t>();
  for (Plane& plane : planes) {
    if (inverts) invert(plane);
    for (float v : fitted(plane, height, width).values)
      *to++ = static_cast<uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f));
  }
  return out;
}

}  // namespace gw
