// The CPU's side of kernels/mix.h. Arguments are checked, and not empty.
#pragma once

#include "kernels/mix.h"

namespace gw::kernels::cpu {

/// out and x are channels-last.
void mix_images(const Tensor& out, const Tensor& x, const ImageMix& mix);
/// labels are contiguous.
void mix_targets(const Tensor& out, const Tensor& labels, int64_t shift, float lam);

}  // namespace gw::kernels::cpu
