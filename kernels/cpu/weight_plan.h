// How the direct weight gradient is cut up: into tiles and panels of channels, blocks of images, and shares of the
// threads.
#pragma once

#include <omp.h>

#include <algorithm>

#include "kernels/conv_shape.h"
#include "kernels/cpu/range.h"
#include "kernels/cpu/row_tile.h"
#include "kernels/cpu/weight_tile.h"

namespace gw::kernels::cpu {

/// The output positions o of `within` at which a tap reads inside the input: 0 <= o * stride + shift < in.
inline Range valid_outputs(int64_t shift, int64_t in, int64_t stride, Range within) {
  const int64_t begin = shift < 0 ? (-shift + stride - 1) / stride : 0;
  const int64_t end = shift < in ? (in - 1 - shift) / stride + 1 : 0;
  return {std::max(begin, within.begin), std::min(end, within.end)};
}

/// Images as the walk reads them: steps in floats from image to image, row to row, pixel to pixel.
struct PixelLayout {
  int64_t image, row, pixel;
};

// 640 KB: what a thread's block may take of the L2 cache, with the next block on its way.
constexpr int64_t kL2Floats = 160 << 10;
// 1 MB of sums: too many for a copy in each thread.
constexpr int64_t kLargeSums = 256 << 10;

/// How one weight gradient is cut up: everything that depends on the shape and the number of threads only.
struct WeightPlan {
  ConvShape s;  // if `merged`, with the padding moved into in_h and in_w, and kernel_w into in_c
  int64_t border_h = 0, border_w = 0;
  bool merged, slice_x, copy_x, copy_dy;
  int vectors;
  int64_t width, panels, tiles, tile_rows;
  int64_t threads, tile_parts = 1, panel_parts = 1, image_parts;  // the threads' shares
  PixelLayout x, dy;
  int64_t block;  // images

  WeightPlan(const ConvShape& shape, bool is_float) : s(shape) {
    vectors = panel_vectors(s.out_c);
    width = panel_width(s.out_c);
    panels = ceil_div(s.out_c, width);
    // With few input channels, the taps of a kernel row serve as rows of the tile: in a zero-padded image they are
    // contiguous.
    merged = s.kernel_w > 1 && s.dilation_w == 1 && s.kernel_w * s.in_c <= max_weight_rows(vectors);
    slice_x = !merged && s.in_c >= 64;
    copy_x = !is_float || merged || slice_x;
    copy_dy = !is_float || s.out_c != width;
    int64_t pixel = s.in_c;
    if (merged) {
      border_h = s.pad_h, border_w = s.pad_w;
      s.in_h += 2 * s.pad_h, s.in_w += 2 * s.pad_w, s.in_c *= s.kernel_w;
      s.pad_h = s.pad_w = 0, s.kernel_w = 1;
    }
    tiles = ceil_div(s.in_c, max_weight_rows(vectors));
    tile_rows = ceil_div(s.in_c, tiles);
    if (slice_x) pixel = ceil_div(tile_rows, kLanes) * kLanes;
    x = {s.in_h * s.in_w * pixel, s.in_w * pixel, pixel};
    dy = {s.out_h * s.out_w * width, s.out_w * width, width};
    share_out(omp_get_max_threads());
    const int64_t x_slices = slice_x ? ceil_div(tiles, tile_parts) : 1;
    const int64_t image_floats = x.image * x_slices + dy.image * ceil_div(panels, panel_parts);
    block = std::clamp<int64_t>(kL2Floats / image_floats, 1, std::max<int64_t>(1, s.n));
  }

  // Threads share the images, each with its own copy of the sums, or, where the sums are large, the sums.
  void share_out(int64_t max_threads) {
    if (sums_size() > kLargeSums) {
      tile_parts = std::min(tiles, max_threads);
      panel_parts = std::min(panels, max_threads / tile_parts);
    }
    image_parts = tile_parts * panel_parts > 1 ? 1 : max_threads;
    threads = image_parts * tile_parts * panel_parts;
  }

  /// False for a tap that never meets the input: on a small grid most of a kernel hangs over the edge.
  bool uses(int64_t tap) const {
    const Range h = valid_outputs(shift_h(tap), s.in_h, s.stride_h, {0, s.out_h});
    return h.size() > 0 && valid_outputs(shift_w(tap), s.in_w, s.stride_w, {0, s.out_w}).size() > 0;
  }
  /// Where a tap reads, relative to output position * stride.
  int64_t shift_h(int64_t tap) const { return tap / s.kernel_w * s.dilation_h - s.pad_h; }
  int64_t shift_w(int64_t tap) const { return tap % s.kernel_w * s.dilation_w - s.pad_w; }

  int64_t groups() const { return tiles * panels; }
  /// Sums of a group: [tap][tile row][width], and a last row for the bias.
  int64_t group_size() const { return (s.taps() * tile_rows + 1) * width; }
  int64_t sums_size() const { return groups() * group_size(); }
  int64_t x_copy_size() const {
    return copy_x ? block * x.image * (slice_x ? ceil_div(tiles, tile_parts) : 1) + kLanes : 0;
  }
  int64_t dy_copy_size() const { return copy_dy ? block * dy.image * ceil_div(panels, panel_parts) : 0; }
};

/// What one thread sums.
struct WeightShare {
  Range images, tiles, panels;

  WeightShare(const WeightPlan& p, int64_t thread)
      : images(part(p.s.n, p.image_parts > 1 ? thread : 0, p.image_parts)),
        tiles(part(p.tiles, p.image_parts > 1 ? 0 : thread % p.tile_parts, p.tile_parts)),
        panels(part(p.panels, p.image_parts > 1 ? 0 : thread / p.tile_parts, p.panel_parts)) {}
};

}  // namespace gw::kernels::cpu
