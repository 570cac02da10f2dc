// A convolution of few channels as one of pairs of neighbouring pixels: in channels-last memory two pixels of 16
// channels are one of 32, which fill a tile's depth and two tiles' columns where one pixel would fill half of them. The
// weight of such a pair holds the original one twice, moved on by a pixel, and zeros. (Zero times infinity is NaN, so
// that an infinite pixel can make NaN of a neighbour beyond the kernel's reach.)
#pragma once

#include <vector>

#include "kernels/conv_shape.h"

namespace gw::kernels::cpu {

/// Whether pairs of the input meet pairs of the output in whole taps, and fit into a tile.
bool pairs_up(const ConvShape& s);

/// The sizes of the convolution of pairs.
ConvShape shape_of_pairs(const ConvShape& s);

/// Its weight [2 * out_c][kernel_h][(kernel_w + 1) / 2][2 * in_c] from w [out_c][kernel_h][kernel_w][in_c].
std::vector<float> weight_of_pairs(const ConvShape& s, const float* w);

}  // namespace gw::kernels::cpu
