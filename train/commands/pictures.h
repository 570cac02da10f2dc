// Pictures of any size as a saved model's kind of images.
#pragma once

#include "data/dataset.h"
#include "data/image_file.h"

namespace gw::commands {

/// The picture u8 [3, H, W] as the model of that kind sees it: u8 [C, H, W] of the kind's size.
Tensor as_model_sees(const Tensor& picture, const ImageDataset& kind, const FitImageOptions& fit = {});

}  // namespace gw::commands
