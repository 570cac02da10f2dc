#include "train/plots/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "data/resize.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// Red, green and blue of a value from 0 to 1, in 0 .. 1 each: overlapping triangles, from blue to red.
std::array<float, 3> heat_color(float value) {
  const auto hill = [value](float top) { return std::clamp(1.5f - std::fabs(4 * value - top), 0.0f, 1.0f); };
  return {hill(3), hill(2), hill(1)};
}

}  // namespace

Tensor heat_bytes(const Tensor& map) {
  if (map.dim() != 2 || map.numel() == 0)
    throw ShapeError(fmt::format("heat map: expected a map [h, w], got {}", map.shape().to_string()));
  const std::vector<float> values = map.to_vector<float>();
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const float range = *most - *least;
  const Tensor bytes = zeros({1, map.size(0), map.size(1)}, {.dtype = DType::u8});
  if (!(range > 0)) return bytes;
  for (size_t i = 0; i < values.size(); ++i)
    bytes.data<uint8_t>()[i] = static_cast<uint8_t>(std::lround(255 * (values[i] - *least) / range));
  return bytes;
}

Tensor draw_heat_map(const Tensor& picture, const Tensor& map) {
  if (picture.dim() != 3 || (picture.size(0) != 1 && picture.size(0) != 3) || picture.dtype() != DType::u8)
    throw ShapeError(fmt::format("heat map: expected a picture u8 [1 or 3, H, W], got {} {}", name_of(picture.dtype()),
                                 picture.shape().to_string()));
  constexpr float kHeat = 0.5f;  // share of the colours; the rest is the picture
  const int64_t height = picture.size(1), width = picture.size(2), plane = height * width;
  const Tensor heat = resize(heat_bytes(map), height, width), source = picture.contiguous();
  const Tensor out = empty({3, height, width}, {.dtype = DType::u8});
  const uint8_t* const pixels = source.data<uint8_t>();
  for (int64_t i = 0; i < plane; ++i) {
    float grey = 0;
    for (int64_t c = 0; c < picture.size(0); ++c) grey += pixels[c * plane + i];
    grey /= static_cast<float>(picture.size(0));
    const auto color = heat_color(static_cast<float>(heat.data<uint8_t>()[i]) / 255);
    for (int64_t c = 0; c < 3; ++c)
      out.data<uint8_t>()[c * plane + i] =
          static_cast<uint8_t>(std::lround((1 - kHeat) * grey + kHeat * 255 * color[static_cast<size_t>(c)]));
  }
  return out;
}

}  // namespace gw
