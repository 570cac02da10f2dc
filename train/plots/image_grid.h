// Grids of images with titles.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/plots/canvas.h"

namespace gw {

/// A title of one image: black, or red for a mistake.
struct ImageTitle {
  std::string text;
  bool wrong = false;
};

struct ImageGridOptions {
  std::string title = {};
  int64_t columns = 8;
  /// Stands left of each row, if there are any.
  std::vector<std::string> row_titles = {};
};

/// Images u8 [N, 1 or 3, H, W] in rows, enlarged to be seen, each with its title above (none, or one each).
Canvas image_grid(const Tensor& images, const std::vector<ImageTitle>& titles, const ImageGridOptions& options = {});

/// Normalised images as the bytes they came from: what the model sees, made visible. [N, C, H, W] of any float dtype,
/// on any device, to u8 on the CPU; values outside the range of bytes are cut.
Tensor visible_images(const Tensor& x, const ImageDataset& dataset);

}  // namespace gw
