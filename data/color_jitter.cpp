// Brightness, contrast and saturation: each a blend of the image with a poorer one, past the image itself for factors
// above 1.
#include <algorithm>
#include <cmath>

#include "data/item_transforms.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// ITU-R BT.601, in 16 fractional bits.
uint8_t luma(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

uint8_t blend(uint8_t poorer, uint8_t value, float factor) {
  const float mixed = static_cast<float>(poorer) + factor * static_cast<float>(value - poorer);
  return static_cast<uint8_t>(std::clamp(mixed, 0.0f, 255.0f));
}

/// The luma of each pixel; of one channel, itself.
std::vector<uint8_t> luma_of(const Tensor& image) {
  const int64_t pixels = image.size(1) * image.size(2);
  const uint8_t* const in = image.data<uint8_t>();
  std::vector<uint8_t> grey(static_cast<size_t>(pixels));
  for (int64_t i = 0; i < pixels; ++i)
    grey[static_cast<size_t>(i)] = image.size(0) == 3 ? luma(in[i], in[pixels + i], in[2 * pixels + i]) : in[i];
  return grey;
}

/// Blends every value with poorer(pixel).
template <class Poorer>
Tensor blended(const Tensor& image, double factor, const Poorer& poorer) {
  const Tensor out = empty(image.shape(), {.dtype = DType::u8});
  const int64_t pixels = image.size(1) * image.size(2);
  const uint8_t* const in = image.data<uint8_t>();
  uint8_t* const to = out.data<uint8_t>();
  for (int64_t i = 0; i < image.numel(); ++i) to[i] = blend(poorer(i % pixels), in[i], static_cast<float>(factor));
  return out;
}

}  // namespace

Tensor adjust_brightness(const Tensor& image, double factor) {
  return blended(image.contiguous(), factor, [](int64_t) { return uint8_t{0}; });
}

Tensor adjust_contrast(const Tensor& image, double factor) {
  const Tensor source = image.contiguous();
  const std::vector<uint8_t> grey = luma_of(source);
  double sum = 0;
  for (const uint8_t g : grey) sum += g;
  const auto mean = static_cast<uint8_t>(sum / static_cast<double>(grey.size()) + 0.5);
  return blended(source, factor, [=](int64_t) { return mean; });
}

Tensor adjust_saturation(const Tensor& image, double factor) {
  if (image.size(0) != 3) return image;
  const Tensor source = image.contiguous();
  const std::vector<uint8_t> grey = luma_of(source);
  return blended(source, factor, [&](int64_t pixel) { return grey[static_cast<size_t>(pixel)]; });
}

Tensor color_jitter(const Tensor& image, const ColorJitterOptions& options, Generator& generator) {
  const Tensor draws = rand({3}, {}, generator);
  const auto factor = [&](int64_t i, double range) { return 1 + range * (2 * draws.select(0, i).item() - 1); };
  Tensor out = image;
  if (options.brightness > 0) out = adjust_brightness(out, factor(0, options.brightness));
  if (options.contrast > 0) out = adjust_contrast(out, factor(1, options.contrast));
  if (options.saturation > 0) out = adjust_saturation(out, factor(2, options.saturation));
  return out;
}

}  // namespace gw
