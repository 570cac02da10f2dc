// Data sets of images that fit into memory, kept as the bytes they come in.
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

/// How pictures of any size are made into images of a data set.
enum class PictureFit {
  object,  ///< one thing on even ground, as fit_image makes it
  crop,    ///< the middle square
  squish,  ///< all of it, whatever its proportions
};

/// Images with their classes. The bytes stay bytes: batches are gathered, converted and normalised in one pass (see
/// Loader).
struct ImageDataset {
  Tensor images;                     ///< u8 [M, C, H, W]
  Tensor labels;                     ///< i64 [M], each in 0 .. classes - 1
  std::vector<std::string> classes;  ///< their names
  std::vector<float> mean, std;  ///< of each channel, for bytes scaled to 0 .. 1: batches hold (x / 255 - mean) / std
  PictureFit fit = PictureFit::object;

  int64_t size() const { return labels.numel(); }
  /// The first `count` items (all if there are fewer), sharing the bytes.
  ImageDataset first(int64_t count) const;
  /// With images and labels on that device, so that batches are gathered there.
  ImageDataset to(Device device) const;
};

/// Checks what a data set promises. IoError, naming `name`, for images and labels of different number and for a label
/// outside the classes.
void check_dataset(const ImageDataset& dataset, const std::string& name);

struct DatasetPair {
  ImageDataset train, valid;
};

}  // namespace gw
