// Where a warped image reads from, and what it makes of a byte.
#pragma once

#include <bit>

#include "kernels/math/grid_sample.h"
#include "kernels/warp_gather.h"

namespace gw::math {

/// A row of a tensor of warps, as numbers.
struct WarpRow {
  float at[kWarpNumbers];
};
GW_HOST_DEVICE inline ImageWarp read_warp(const float* row) {
  WarpRow numbers;
  for (int64_t i = 0; i < kWarpNumbers; ++i) numbers.at[i] = row[i];
  return std::bit_cast<ImageWarp>(numbers);
}
inline void write_warp(float* row, const ImageWarp& warp) {
  const auto numbers = std::bit_cast<WarpRow>(warp);
  for (int64_t i = 0; i < kWarpNumbers; ++i) row[i] = numbers.at[i];
}

/// True for a pixel within the hole that cutout leaves.
GW_HOST_DEVICE inline bool is_cut_out(const ImageWarp& w, float y, float x) {
  return y >= w.top && y < w.bottom && x >= w.left && x < w.right;
}

/// The four pixels around the place that pixel (y, x) of the result comes from. In a hole, and behind the viewer, there
/// are none.
GW_HOST_DEVICE inline SampleTaps warp_taps(const ImageWarp& w, int64_t y, int64_t x, int64_t height, int64_t width,
                                           SamplePadding padding) {
  const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
  const float* m = w.matrix;
  const float depth = m[6] * fx + m[7] * fy + m[8];
  const float scale = depth > 1e-6f ? 1.0f / depth : 0.0f;
  const SamplePlace u = pad_place({(m[0] * fx + m[1] * fy + m[2]) * scale, 1.0f}, width, padding, false);
  const SamplePlace v = pad_place({(m[3] * fx + m[4] * fy + m[5]) * scale, 1.0f}, height, padding, false);
  const Neighbours columns = neighbours_of(u.at, width, SampleMode::bilinear);
  const Neighbours rows = neighbours_of(v.at, height, SampleMode::bilinear);
  const bool nothing = depth <= 1e-6f || is_cut_out(w, fy, fx);
  SampleTaps taps{};
  for (int i = 0; i < 4; ++i) {
    const int64_t column = i % 2 == 1 ? columns.second : columns.first, row = i / 2 == 1 ? rows.second : rows.first;
    taps.pixel[i] = nothing || column < 0 || row < 0 ? -1 : row * width + column;
    taps.weight[i] =
        (i % 2 == 1 ? columns.weight : 1.0f - columns.weight) * (i / 2 == 1 ? rows.weight : 1.0f - rows.weight);
  }
  return taps;
}

GW_HOST_DEVICE inline float warp_byte(const ImageWarp& w, uint8_t byte) {
  const float value = w.gain * static_cast<float>(byte) + w.offset;
  return value < 0.0f ? 0.0f : (value > 255.0f ? 255.0f : value);
}

/// One channel of one pixel, normalised: the taps' bytes as the warp makes them, and zeros outside.
GW_HOST_DEVICE inline float warp_value(const ImageWarp& w, const SampleTaps& taps, const uint8_t* plane, float mean,
                                       float inverse_std) {
  float value = 0;
  for (int i = 0; i < 4; ++i)
    if (taps.pixel[i] >= 0)
      value += taps.weight[i] * (warp_byte(w, plane[taps.pixel[i]]) * (1.0f / 255.0f) - mean) * inverse_std;
  return value;
}

}  // namespace gw::math
