#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>

namespace gw {

ImageDataset ImageDataset::first(int64_t count) const {
  ImageDataset part = *this;
  part.images = images.slice(0, 0, std::min(count, size()));
  part.labels = labels.slice(0, 0, std::min(count, size()));
  return part;
}

ImageDataset ImageDataset::to(Device device) const {
  ImageDataset moved = *this;
  moved.images = images.to(device);
  moved.labels = labels.to(device);
  return moved;
}

void check_dataset(const ImageDataset& dataset, const std::string& name) {
  if (dataset.images.dim() != 4 || dataset.labels.dim() != 1)
    throw IoError(fmt::format("{}: expected images [M, C, H, W] and labels [M], got {} and {}", name,
                              dataset.images.shape().to_string(), dataset.labels.shape().to_string()));
  if (dataset.images.size(0) != dataset.labels.size(0))
    throw IoError(fmt::format("{}: {} images, but {} labels", name, dataset.images.size(0), dataset.labels.size(0)));
  const auto count = static_cast<int64_t>(dataset.classes.size());
  const int64_t* labels = dataset.labels.data<int64_t>();
  for (int64_t i = 0; i < dataset.size(); ++i)
    if (labels[i] < 0 || labels[i] >= count)
      throw IoError(
          fmt::format("{}: label {} of item {} is out of range, expected 0 to {}", name, labels[i], i, count - 1));
}

}  // namespace gw
