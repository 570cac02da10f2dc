#pragma once

#include "kernels/batch_gather.h"

namespace gw::kernels::cuda {

void batch_gather(const Tensor& out, const Tensor& images, const Tensor& indices, const std::vector<float>& mean,
                  const std::vector<float>& std, const std::optional<CropFlip>& crop_flip);

}  // namespace gw::kernels::cuda
