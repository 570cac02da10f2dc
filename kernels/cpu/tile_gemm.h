// Products of f32 matrices with tile registers, which multiply bf16 only, but at sixteen times the speed of f32.
#pragma once

#include "kernels/cpu/gemm.h"

namespace gw::kernels::cpu {

/// True for a product that tile_gemm() takes and does faster than f32 arithmetic could.
bool prefers_tiles(const MatrixProduct& p);

/// The product of f32 operands, as exact as in f32. A number of 24 bits is the sum of three bf16 of 8 bits: high,
/// middle and low. Of the nine products of such parts the six that reach into the 24 bits of the result are summed, in
/// f32. Where an operand is infinite the result is NaN.
void tile_gemm(const MatrixProduct& p);

}  // namespace gw::kernels::cpu
