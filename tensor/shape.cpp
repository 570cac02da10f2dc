#include "tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace gw {

Shape Shape::filled(int64_t count, int64_t value) {
  Shape s;
  for (int64_t i = 0; i < count; ++i) s.push_back(value);
  return s;
}

void Shape::insert(int64_t position, int64_t dim) {
  push_back(dim);
  std::rotate(begin() + position, end() - 1, end());
}

void Shape::erase(int64_t position) {
  std::rotate(begin() + position, begin() + position + 1, end());
  --size_;
}

std::string Shape::to_string() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  int64_t stride = 1;
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

Shape channels_last_strides(const Shape& shape) {
  if (shape.size() != 4)
    throw ShapeError(fmt::format("channels_last: expects a shape of 4 dimensions, got {}", shape.to_string()));
  const int64_t c = std::max<int64_t>(shape[1], 1), h = std::max<int64_t>(shape[2], 1),
                w = std::max<int64_t>(shape[3], 1);
  return {h * w * c, 1, w * c, c};
}

int64_t normalize_dim(int64_t dim, int64_t dims, const char* op) {
  // A scalar takes dimension 0 and -1, as in PyTorch.
  const int64_t range = std::max<int64_t>(dims, 1);
  if (dim < -range || dim >= range)
    throw ShapeError(fmt::format("{}: dimension {} is out of range, expected {} to {}", op, dim, -range, range - 1));
  return dim < 0 ? dim + range : dim;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const int64_t offset = longer.size() - shorter.size();
  for (int64_t i = 0; i < shorter.size(); ++i) {
    int64_t& d = out[offset + i];
    if (shorter[i] == d || shorter[i] == 1) continue;
    if (d != 1)
      throw ShapeError(
          fmt::format("{}: shapes {} and {} cannot be broadcast together", op, a.to_string(), b.to_string()));
    d = shorter[i];
  }
  return out;
}

}  // namespace gw
