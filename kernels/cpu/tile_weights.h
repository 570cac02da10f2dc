// A convolution's weight as operands b of tile multiplication (tile_registers.h): rounded to bf16, in the order in
// which a plan (tile_plan.h) multiplies by it.
#pragma once

#include "kernels/conv_shape.h"
#include "kernels/cpu/range.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/tile_plan.h"

namespace gw::kernels::cpu {

/// Panels of 32 columns of the weight, or 16 where no more are wanted: [panel][chunk][tile of 16 columns], each tile an
/// operand b.
struct Panels {
  const TilePlan& plan;
  int64_t tiles, count;
  Scratch memory;

  explicit Panels(const TilePlan& p)
      : plan(p),
        tiles(p.out_c > tile::kRows ? 2 : 1),
        count(ceil_div(p.out_c, tiles * tile::kRows)),
        memory(count * p.chunks * tiles * tile::kElements / 2) {}

  int64_t width() const { return tiles * tile::kRows; }
  int64_t columns() const { return count * width(); }
  int64_t panel_elements() const { return plan.chunks * tiles * tile::kElements; }
  bf16* data() const { return reinterpret_cast<bf16*>(memory.data()); }
  const bf16* panel(int64_t i) const { return data() + i * panel_elements(); }
  /// The tile of columns 16 * `group` .. 16 * `group` + 16.
  bf16* tile(int64_t chunk, int64_t group) const {
    return data() + group / tiles * panel_elements() + (chunk * tiles + group % tiles) * tile::kElements;
  }
};

/// From w [out_c][taps * in_c], whose rows are the panels' columns.
void pack_forward(const ConvShape& s, const float* w, const Panels& panels);

/// From w [out_c][taps][in_c], of which the panels have a row for each tap and output channel.
void pack_backward(const ConvShape& s, const float* w, const Panels& panels);

}  // namespace gw::kernels::cpu
