// Resizing images of bytes.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace gw {

/// How pixels between pixels come about. All but nearest widen with the reduction, so that every pixel of the source
/// counts (antialiasing), and are those of Pillow, byte for byte.
enum class Filter {
  nearest,   ///< the pixel that the middle of the new one falls on
  box,       ///< the mean of the area
  bilinear,  ///< a triangle, one pixel to either side
  bicubic,   ///< Keys' cubic (1981) with a = -1/2, two pixels to either side
  lanczos,   ///< a windowed sinc, three pixels to either side
};

/// A rectangle of an image, in pixels, perhaps between them.
struct Box {
  double left, top, right, bottom;
};

/// The part `box` of an image u8 [C, H, W] as u8 [C, height, width], resized in one step. The two directions are
/// filtered one after the other, with weights of 22 fractional bits and rounding to bytes in between. ShapeError for
/// another kind of image, an empty one, and a size below 1; ConfigError for a box that is empty or reaches outside.
Tensor resize(const Tensor& image, int64_t height, int64_t width, Filter filter, const Box& box);
/// The whole image.
Tensor resize(const Tensor& image, int64_t height, int64_t width, Filter filter = Filter::bilinear);

}  // namespace gw
