// Transforms of single images of bytes, u8 [C, H, W], while they are loaded.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/resize.h"
#include "tensor/random.h"

namespace gw {

/// The part of `image` with that corner and size. ConfigError if it reaches outside.
Tensor crop(const Tensor& image, int64_t top, int64_t left, int64_t height, int64_t width);
/// The middle of `image`, after resizing it so that its shorter side fits: u8 [C, size, size].
Tensor resize_and_center_crop(const Tensor& image, int64_t size, Filter filter = Filter::bilinear);

/// What lies outside of an image.
enum class PadMode {
  constant,   ///< one value
  edge,       ///< the nearest pixel
  reflect,    ///< the image mirrored at its outermost pixels, which are not repeated: c b a b c
  symmetric,  ///< the image mirrored, the outermost pixels repeated: b a a b c
};
struct Margins {
  int64_t left, top, right, bottom;
};
/// `image` with margins around it. ConfigError for negative margins, and for reflection over more than the image.
Tensor pad(const Tensor& image, const Margins& margins, PadMode mode = PadMode::constant, uint8_t value = 0);

Tensor flip_horizontally(const Tensor& image);
Tensor flip_vertically(const Tensor& image);
/// One of the eight symmetries of the square: bit 0 of `symmetry` flips horizontally, bit 1 vertically, bit 2 then
/// exchanges rows and columns. ConfigError for another number.
Tensor dihedral(const Tensor& image, int symmetry);

struct RandomResizedCropOptions {
  double least_area = 0.08, most_area = 1;             ///< of the image's
  double least_ratio = 3.0 / 4, most_ratio = 4.0 / 3;  ///< width by height
};
/// The part of an image that random_resized_crop takes: an area and a ratio (uniform in its logarithm) are drawn, ten
/// times until such a part fits, and then its place; else it is the largest part in the middle whose ratio is allowed
/// (Szegedy et al. 2015).
Box draw_crop(int64_t height, int64_t width, const RandomResizedCropOptions& options, Generator& generator);
/// That part, resized in one step: u8 [C, size, size].
Tensor random_resized_crop(const Tensor& image, int64_t size, Generator& generator,
                           const RandomResizedCropOptions& options = {}, Filter filter = Filter::bilinear);

/// `image` times a factor: 0 is black.
Tensor adjust_brightness(const Tensor& image, double factor);
/// Away from the mean of its luma: 0 is grey all over.
Tensor adjust_contrast(const Tensor& image, double factor);
/// Away from its own luma: 0 is a grey image. Images of one channel stay what they are.
Tensor adjust_saturation(const Tensor& image, double factor);
struct ColorJitterOptions {
  double brightness = 0, contrast = 0, saturation = 0;  ///< factors are drawn from 1 - x to 1 + x
};
Tensor color_jitter(const Tensor& image, const ColorJitterOptions& options, Generator& generator);

/// A step of loading an item. Steps run in ascending order, those of one order in that of the list.
struct ItemTransform {
  std::string name;
  int order = 0;
  std::function<Tensor(const Tensor& image, Generator& generator)> apply;
};
/// The transforms as one function.
std::function<Tensor(const Tensor& image, Generator& generator)> compose(std::vector<ItemTransform> transforms);

}  // namespace gw
