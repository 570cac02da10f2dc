#include "train/commands/pictures.h"

#include "data/item_transforms.h"

namespace gw::commands {

Tensor as_model_sees(const Tensor& picture, const ImageDataset& kind, const FitImageOptions& fit) {
  const Shape& goal = kind.images.shape();
  switch (kind.fit) {
    case PictureFit::crop:
      return resize_and_center_crop(picture, goal[2]);
    case PictureFit::squish:
      return resize(picture, goal[2], goal[3]);
    case PictureFit::object:
      break;
  }
  return fit_image(picture, goal[1], goal[2], goal[3], fit);
}

}  // namespace gw::commands
