// The CPU's loops of gathering warped images.
#pragma once

#include "kernels/warp_gather.h"

namespace gw::kernels::cpu {

/// `out` is dense in channels-last memory, all others are contiguous.
void warp_gather(const Tensor& out, const Tensor& images, const Tensor& indices, const Tensor& warps,
                 const std::vector<float>& mean, const std::vector<float>& std, SamplePadding padding);

}  // namespace gw::kernels::cpu
