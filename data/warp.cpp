#include "data/warp.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

#include "kernels/math/augment.h"
#include "kernels/math/warp.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using Matrix = std::array<double, 9>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c{};
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j)
      for (size_t k = 0; k < 3; ++k) c[3 * i + j] += a[3 * i + k] * b[3 * k + j];
  return c;
}

Matrix moved(double x, double y) { return {1, 0, x, 0, 1, y, 0, 0, 1}; }

/// What one image draws: numbers from -1 to 1.
enum Draw {
  kRotate,
  kZoom,
  kX,
  kY,
  kShear,
  kPerspectiveX,
  kPerspectiveY,
  kBrightness,
  kContrast,
  kHoleX,
  kHoleY,
  kDraws
};

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

/// From a pixel of the result to one of the image: about the middle, and then moved.
Matrix matrix_of(const WarpOptions& o, const float* draw, double height, double width) {
  const double angle = radians(o.rotate * draw[kRotate]), slant = std::tan(radians(o.shear * draw[kShear]));
  const double scale = 1 / (1 + (o.zoom - 1) * (draw[kZoom] + 1) / 2);
  const double cosine = std::cos(angle) * scale, sine = std::sin(angle) * scale;
  const Matrix turned = {cosine, sine, 0, -sine, cosine, 0, 0, 0, 1};
  const Matrix slanted = {1, slant, 0, 0, 1, 0, 0, 0, 1};
  const Matrix seen = {1,
                       0,
                       0,
                       0,
                       1,
                       0,
                       2 * o.perspective * draw[kPerspectiveX] / width,
                       2 * o.perspective * draw[kPerspectiveY] / height,
                       1};
  const double middle_x = (width - 1) / 2, middle_y = (height - 1) / 2;
  const Matrix back = moved(middle_x + o.translate * width * draw[kX], middle_y + o.translate * height * draw[kY]);
  return product(back, product(turned, product(slanted, product(seen, moved(-middle_x, -middle_y)))));
}

Matrix matrix_of(const CropFlip& crop, int64_t image, double width) {
  const math::CropFlipDraw d = math::draw_crop_flip(crop.state, crop.options.per_image ? image : 0, crop.options);
  const double sign = d.mirrored ? -1 : 1;
  return {sign, 0, static_cast<double>(d.dx) + (d.mirrored ? width - 1 : 0), 0, 1, static_cast<double>(d.dy), 0, 0, 1};
}

ImageWarp warp_of(const WarpOptions& o, const float* draw, const Matrix& matrix, double height, double width) {
  ImageWarp warp;
  for (size_t i = 0; i < matrix.size(); ++i) warp.matrix[i] = static_cast<float>(matrix[i]);
  constexpr double kMiddle = 127.5;
  const double brightness = 1 + o.brightness * draw[kBrightness], contrast = 1 + o.contrast * draw[kContrast];
  warp.gain = static_cast<float>(brightness * contrast);
  warp.offset = static_cast<float>(brightness * kMiddle * (1 - contrast));
  if (o.cutout > 0) {
    const auto side = [&](double size) { return std::round(o.cutout * size); };
    warp.left = static_cast<float>(std::round((width - side(width)) * (draw[kHoleX] + 1) / 2));
    warp.top = static_cast<float>(std::round((height - side(height)) * (draw[kHoleY] + 1) / 2));
    warp.right = warp.left + static_cast<float>(side(width));
    warp.bottom = warp.top + static_cast<float>(side(height));
  }
  return warp;
}

}  // namespace

bool WarpOptions::any() const {
  return rotate > 0 || zoom > 1 || translate > 0 || shear > 0 || perspective > 0 || brightness > 0 || contrast > 0 ||
         cutout > 0;
}

void check(const WarpOptions& o) {
  const auto within = [](const char* name, double value, double least, double most) {
    if (!(value >= least && value <= most))
      throw ConfigError(fmt::format("augmentation: expected {} from {:g} to {:g}, got {:g}", name, least, most, value));
  };
  within("rotate", o.rotate, 0, 180);
  within("zoom", o.zoom, 1, 10);
  within("translate", o.translate, 0, 1);
  within("shear", o.shear, 0, 80);
  within("warp", o.perspective, 0, 0.49);
  within("brightness", o.brightness, 0, 1);
  within("contrast", o.contrast, 0, 1);
  within("cutout", o.cutout, 0, 1);
}

Tensor draw_warps(const WarpOptions& o, const std::optional<CropFlip>& crop_flip, int64_t images, int64_t height,
                  int64_t width, Generator& generator) {
  check(o);
  const std::vector<float> draws = (rand({o.per_image ? images : 1, kDraws}, {}, generator) * 2 - 1).to_vector<float>();
  const Tensor warps = empty({images, kWarpNumbers});
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  for (int64_t n = 0; n < images; ++n) {
    const float* const draw = &draws[static_cast<size_t>(o.per_image ? n * kDraws : 0)];
    Matrix matrix = matrix_of(o, draw, h, w);
    if (crop_flip) matrix = product(matrix_of(*crop_flip, n, w), matrix);
    math::write_warp(warps.data<float>() + n * kWarpNumbers, warp_of(o, draw, matrix, h, w));
  }
  return warps;
}

}  // namespace gw
