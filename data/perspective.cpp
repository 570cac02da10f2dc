#include "data/perspective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tensor/creation.h"

namespace gw {
namespace {

constexpr size_t kUnknowns = 8;
using Row = std::array<double, kUnknowns + 1>;  // of the equations: factors, then the right side

/// Gaussian elimination with the largest factor of each column as pivot.
std::array<double, kUnknowns> solve(std::array<Row, kUnknowns> rows) {
  for (size_t column = 0; column < kUnknowns; ++column) {
    const auto pivot = std::max_element(rows.begin() + column, rows.end(), [=](const Row& a, const Row& b) {
      return std::abs(a[column]) < std::abs(b[column]);
    });
    if (std::abs((*pivot)[column]) < 1e-10)
      throw ConfigError("perspective: expected corners of which no three lie on a line");
    std::swap(*pivot, rows[column]);
    for (size_t r = 0; r < kUnknowns; ++r) {
      if (r == column) continue;
      const double factor = rows[r][column] / rows[column][column];
      for (size_t i = column; i <= kUnknowns; ++i) rows[r][i] -= factor * rows[column][i];
    }
  }
  std::array<double, kUnknowns> solution{};
  for (size_t i = 0; i < kUnknowns; ++i) solution[i] = rows[i][kUnknowns] / rows[i][i];
  return solution;
}

/// Between four pixels; those beyond the border are the ones on it.
uint8_t bilinear(const uint8_t* plane, int64_t height, int64_t width, double x, double y) {
  const double left = std::floor(x), top = std::floor(y), dx = x - left, dy = y - top;
  const auto at = [&](double row, double column) {
    const auto r = std::clamp<int64_t>(static_cast<int64_t>(row), 0, height - 1);
    const auto c = std::clamp<int64_t>(static_cast<int64_t>(column), 0, width - 1);
    return static_cast<double>(plane[r * width + c]);
  };
  const double upper = at(top, left) + dx * (at(top, left + 1) - at(top, left));
  const double lower = at(top + 1, left) + dx * (at(top + 1, left + 1) - at(top + 1, left));
  return static_cast<uint8_t>(upper + dy * (lower - upper) + 0.5);
}

}  // namespace

std::array<double, 8> perspective_coefficients(const Corners& to, const Corners& from) {
  std::array<Row, kUnknowns> rows{};
  for (size_t i = 0; i < to.size(); ++i) {
    const auto [x, y] = to[i];
    const auto [u, v] = from[i];
    rows[2 * i] = {x, y, 1, 0, 0, 0, -u * x, -u * y, u};
    rows[2 * i + 1] = {0, 0, 0, x, y, 1, -v * x, -v * y, v};
  }
  return solve(rows);
}

Tensor perspective(const Tensor& image, const std::array<double, 8>& k, Filter filter) {
  if (image.dim() != 3 || image.dtype() != DType::u8 || image.numel() == 0)
    throw ShapeError(fmt::format("perspective: expected an image u8 [C, H, W], got {} {}", name_of(image.dtype()),
                                 image.shape().to_string()));
  if (filter != Filter::bilinear && filter != Filter::nearest)
    throw ConfigError("perspective: expected the filter nearest or bilinear");
  const Tensor source = image.contiguous(), out = empty(image.shape(), {.dtype = DType::u8});
  const int64_t height = image.size(1), width = image.size(2), pixels = height * width;
  uint8_t* const to = out.data<uint8_t>();
  for (int64_t i = 0; i < pixels; ++i) {
    const double x = static_cast<double>(i % width) + 0.5, y = static_cast<double>(i / width) + 0.5;
    const double depth = k[6] * x + k[7] * y + 1;
    const double u = (k[0] * x + k[1] * y + k[2]) / depth, v = (k[3] * x + k[4] * y + k[5]) / depth;
    const bool inside = u >= 0 && u < static_cast<double>(width) && v >= 0 && v < static_cast<double>(height);
    for (int64_t c = 0; c < image.size(0); ++c) {
      const uint8_t* const plane = source.data<uint8_t>() + c * pixels;
      uint8_t value = 0;
      if (inside && filter == Filter::nearest) value = plane[static_cast<int64_t>(v) * width + static_cast<int64_t>(u)];
      if (inside && filter == Filter::bilinear) value = bilinear(plane, height, width, u - 0.5, v - 0.5);
      to[c * pixels + i] = value;
    }
  }
  return out;
}

}  // namespace gw
