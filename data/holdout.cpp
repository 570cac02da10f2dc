#include "data/holdout.h"

#include <fmt/format.h>

#include "kernels/index.h"
#include "tensor/creation.h"

namespace gw {
namespace {

constexpr uint64_t kSeed = 20190104;

ImageDataset items(const ImageDataset& data, const Tensor& index) {
  ImageDataset part = data;
  part.images = kernels::index_select(data.images, 0, index);
  part.labels = kernels::index_select(data.labels, 0, index);
  return part;
}

}  // namespace

DatasetPair hold_out_tenth(const ImageDataset& data) {
  const int64_t held_out = data.size() / 10, kept = data.size() - held_out;
  if (held_out < 1) throw ConfigError(fmt::format("hold out: expected at least 10 items, got {}", data.size()));
  Generator generator(kSeed);
  const Tensor order = randperm(data.size(), generator).to(data.images.device());
  return {items(data, order.slice(0, 0, kept)), items(data, order.slice(0, kept, data.size()))};
}

}  // namespace gw
