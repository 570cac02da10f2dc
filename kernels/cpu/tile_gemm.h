// Products of f32 matrices with tile registers (tile_panels.h).
#pragma once

#include "kernels/cpu/gemm.h"

namespace gw::kernels::cpu {

/// True for a product that tile_gemm() takes and does faster than f32 arithmetic could.
bool prefers_tiles(const MatrixProduct& p);

/// The product of f32 operands, as exact as in f32; NaN where an operand is infinite.
void tile_gemm(const MatrixProduct& p);

}  // namespace gw::kernels::cpu
