// Size2: a height and a width, as kernels, strides and paddings have them.
#pragma once

#include <cstdint>

namespace gw {

/// A height and a width; one number stands for both.
struct Size2 {
  int64_t h = 0;
  int64_t w = 0;

  constexpr Size2() = default;
  constexpr Size2(int64_t both) : h(both), w(both) {}
  constexpr Size2(int64_t height, int64_t width) : h(height), w(width) {}
  constexpr bool operator==(const Size2&) const = default;
};

}  // namespace gw
