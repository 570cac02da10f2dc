// What a convolution reads for each of its output positions, in a form that tile multiplication takes. Forward and
// backward-input are one computation: each position of an output image sums over taps of an input image.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/conv_shape.h"
#include "kernels/cpu/range.h"
#include "kernels/cpu/tile_registers.h"

namespace gw::kernels::cpu {

struct TilePlan {
  /// Rows of the weight, [kernel_h][kernel_w in `tap_order`][in_c], that are multiplied by a contiguous stretch of an
  /// image: a tap, or where channels are few, neighbouring taps. They go 32 at a time, a chunk, filled up with zeros.
  struct Run {
    int64_t row, length, first_chunk;
    int64_t chunks() const { return ceil_div(length, tile::kDepth); }
  };
  /// A run at one output position, whose stretch begins at element `input` of a spread image.
  struct Step {
    int64_t input;
    int64_t run;
  };

  int64_t images, in_c, in_h, in_w;  ///< of what is read
  int64_t out_c, out_h, out_w;       ///< of what is written
  // A tile whose rows straddle cache lines takes five times as long to load. So images are read from copies in which
  // each pixel begins a line: "spread" images.
  int64_t pixel;                     ///< elements from pixel to pixel of a spread image
  int64_t top, bottom, left, right;  ///< pixels of zeros that are put around it
  std::vector<int64_t> tap_order;    ///< the weight's kernel columns in the order in which runs count them
  std::vector<Run> runs;
  int64_t chunks = 0;  ///< of all runs
  std::vector<Step> steps;
  std::vector<int64_t> first;  ///< steps of position p: first[p] .. first[p + 1]

  /// Whether taps that read outside the image are left out, or are steps too and meet zeros there. With such borders
  /// everywhere, positions that are out_step_h rows or out_step_w columns apart take the same steps, only that they read
  /// in_step_h rows or in_step_w pixels further on; then `first` is of the phases, the first out_step_h x out_step_w
  /// positions.
  enum class Borders { where_needed, everywhere };
  int64_t out_step_h, out_step_w, in_step_h, in_step_w;

  static TilePlan forward(const ConvShape& s, Borders borders);
  static TilePlan backward_input(const ConvShape& s, Borders borders);

  int64_t in_image() const { return in_h * in_w * in_c; }
  int64_t out_image() const { return out_h * out_w * out_c; }
  int64_t spread_row() const { return (left + in_w + right) * pixel; }  ///< elements
  int64_t spread_rows() const { return top + in_h + bottom; }
};

}  // namespace gw::kernels::cpu
