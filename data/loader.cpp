#include "data/loader.h"

#include <fmt/format.h>

#include "autograd/index.h"
#include "kernels/batch_gather.h"
#include "tensor/creation.h"

namespace gw {

Loader::Loader(ImageDataset dataset, LoaderOptions options) : dataset_(std::move(dataset)), options_(options) {
  if (options_.batch_size < 1)
    throw ConfigError(fmt::format("Loader: expected a batch size of at least 1, got {}", options_.batch_size));
  if (dataset_.size() == 0) throw ConfigError("Loader: expected a data set with at least one item, got none");
  if (size() == 0)
    throw ConfigError(fmt::format("Loader: {} items do not fill a batch of {}", dataset_.size(), options_.batch_size));
}

void Loader::set_crop_flip(const std::optional<CropFlipOptions>& crop_flip) {
  if (crop_flip) kernels::check(*crop_flip);
  crop_flip_ = crop_flip;
}

int64_t Loader::size() const {
  const int64_t full = dataset_.size() / options_.batch_size;
  const bool part = dataset_.size() % options_.batch_size != 0;
  return full + (part && !options_.drop_last ? 1 : 0);
}

void Loader::start() {
  const int64_t n = dataset_.size();
  const Tensor order =
      options_.shuffle ? randperm(n, generator()) : arange(0, static_cast<double>(n), 1, {.dtype = DType::i64});
  order_ = order.to(dataset_.images.device());  // once, so that no step waits for indices
  position_ = 0;
}

bool Loader::next(Batch& batch) {
  if (!order_.defined() || position_ >= size() * options_.batch_size || position_ >= dataset_.size()) return false;
  const Tensor indices = order_.slice(0, position_, position_ + options_.batch_size);
  position_ += indices.numel();
  std::optional<CropFlip> crop_flip;
  if (crop_flip_) crop_flip = kernels::draw_crop_flip(*crop_flip_, indices.numel(), generator());
  batch.x = kernels::batch_gather(dataset_.images, indices, dataset_.mean, dataset_.std, options_.dtype, crop_flip);
  batch.y = index_select(dataset_.labels, 0, indices);
  return true;
}

}  // namespace gw
