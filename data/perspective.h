// Perspective: what a picture looks like from another place.
#pragma once

#include <array>

#include "data/resize.h"
#include "tensor/tensor.h"

namespace gw {

struct Point {
  double x, y;
};
using Corners = std::array<Point, 4>;

/// The eight coefficients a to h of the map (x, y) -> ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y
/// + 1)) that takes each corner of `to` to that of `from`: eight linear equations, two for each pair. ConfigError if
/// there is none, as when three corners lie on a line.
std::array<double, 8> perspective_coefficients(const Corners& to, const Corners& from);

/// u8 [C, H, W] whose pixels are those of `image` where the map takes them to, between four by bilinear interpolation,
/// or the nearest one; black outside. Other filters are refused with a ConfigError.
Tensor perspective(const Tensor& image, const std::array<double, 8>& coefficients, Filter filter = Filter::bilinear);

}  // namespace gw
