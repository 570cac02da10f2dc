// From a grid's coordinate to pixels, with PyTorch's conventions.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/grid_sample.h"
#include "kernels/math/host_device.h"

namespace gw::math {

/// Sizes of a sampling: x [n, c, in_h, in_w], result [n, c, out_h, out_w], both channels-last.
struct GridShape {
  int64_t n, c, in_h, in_w, out_h, out_w;
  GW_HOST_DEVICE int64_t in_pixels() const { return in_h * in_w; }
  GW_HOST_DEVICE int64_t out_pixels() const { return out_h * out_w; }
};

/// A place along one direction, in pixels from the middle of the first, and its derivative by the grid's coordinate.
struct SamplePlace {
  float at, slope;
};

/// `at` held between 0 and `last`; at the bounds and beyond nothing moves.
GW_HOST_DEVICE inline SamplePlace clamp_place(SamplePlace p, float last) {
  if (!(p.at > 0.0f)) return {0.0f, 0.0f};
  if (p.at >= last) return {last, 0.0f};
  return p;
}

/// `at` mirrored at `low` and `low + span` as often as it takes.
GW_HOST_DEVICE inline SamplePlace mirror_place(SamplePlace p, float low, float span) {
  if (span <= 0.0f) return {0.0f, 0.0f};
  const float distance = p.at - low, magnitude = std::fabs(distance);
  float slope = distance < 0.0f ? -p.slope : p.slope;
  if (magnitude < span) return {magnitude + low, slope};  // nearly always, and fmod is slow
  const float turns = std::floor(magnitude / span), rest = std::fmod(magnitude, span);
  const bool even = std::fmod(turns, 2.0f) == 0.0f;
  if (!even) slope = -slope;
  return {(even ? rest : span - rest) + low, slope};
}

/// A place brought into the image, unless what is outside of it is zero.
GW_HOST_DEVICE inline SamplePlace pad_place(SamplePlace p, int64_t size, SamplePadding padding, bool align_corners) {
  const auto pixels = static_cast<float>(size);
  if (padding == SamplePadding::zeros) return p;
  if (padding == SamplePadding::reflection)
    p = align_corners ? mirror_place(p, 0.0f, pixels - 1.0f) : mirror_place(p, -0.5f, pixels);
  return clamp_place(p, pixels - 1.0f);
}

GW_HOST_DEVICE inline SamplePlace sample_place(float coordinate, int64_t size, const GridSampleOptions& o) {
  const auto pixels = static_cast<float>(size);
  const SamplePlace p = o.align_corners
                            ? SamplePlace{(coordinate + 1.0f) * 0.5f * (pixels - 1.0f), 0.5f * (pixels - 1.0f)}
                            : SamplePlace{((coordinate + 1.0f) * pixels - 1.0f) * 0.5f, 0.5f * pixels};
  return pad_place(p, size, o.padding, o.align_corners);
}

/// The two pixels along one direction between which a place lies; -1 for one outside of the image.
struct Neighbours {
  int64_t first, second;
  float weight;  ///< of the second; the first has the rest
};

GW_HOST_DEVICE inline Neighbours neighbours_of(float at, int64_t size, SampleMode mode) {
  // Compared as a float first, because what is far outside, or no number, has no place among the integers.
  if (!(at > -1.0f && at < static_cast<float>(size))) return {-1, -1, 0.0f};
  if (mode == SampleMode::nearest) {
    const auto nearest = static_cast<int64_t>(std::nearbyint(at));
    return {nearest < size ? nearest : -1, -1, 0.0f};
  }
  const float below = std::floor(at);
  const auto first = static_cast<int64_t>(below);
  return {first, first + 1 < size ? first + 1 : -1, at - below};
}

/// The four pixels (top left, top right, bottom left, bottom right) around a place of the grid: their numbers within
/// the image, or -1, and their weights.
struct SampleTaps {
  int64_t pixel[4];
  float weight[4];
  float dx[4], dy[4];  ///< derivatives of the weights by the grid's coordinates
};

GW_HOST_DEVICE inline SampleTaps sample_taps(float grid_x, float grid_y, const GridShape& s,
                                             const GridSampleOptions& o) {
  const SamplePlace x = sample_place(grid_x, s.in_w, o), y = sample_place(grid_y, s.in_h, o);
  const Neighbours columns = neighbours_of(x.at, s.in_w, o.mode), rows = neighbours_of(y.at, s.in_h, o.mode);
  const bool moves = o.mode == SampleMode::bilinear;
  SampleTaps taps;
  for (int i = 0; i < 4; ++i) {
    const bool right = i % 2 == 1, bottom = i / 2 == 1;
    const int64_t column = right ? columns.second : columns.first, row = bottom ? rows.second : rows.first;
    const float across = right ? columns.weight : 1.0f - columns.weight;
    const float down = bottom ? rows.weight : 1.0f - rows.weight;
    taps.pixel[i] = column < 0 || row < 0 ? -1 : row * s.in_w + column;
    taps.weight[i] = across * down;
    taps.dx[i] = moves ? (right ? down : -down) * x.slope : 0.0f;
    taps.dy[i] = moves ? (bottom ? across : -across) * y.slope : 0.0f;
  }
  return taps;
}

}  // namespace gw::math
