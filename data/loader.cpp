#include "data/loader.h"

#include <fmt/format.h>

#include "autograd/index.h"
#include "kernels/batch_gather.h"
#include "kernels/warp_gather.h"
#include "tensor/creation.h"

namespace gw {

Loader::Loader(ImageDataset dataset, LoaderOptions options) : dataset_(std::move(dataset)), options_(options) {
  check();
}

Loader::Loader(std::shared_ptr<ImageStream> stream, const ChannelStatistics& statistics, Device device,
               LoaderOptions options)
    : options_(options), stream_(std::move(stream)), device_(device) {
  const ImageStreamOptions& o = stream_->options();
  dataset_ = {empty({0, 3, o.height, o.width}, {.dtype = DType::u8}), empty({0}, {.dtype = DType::i64}),
              stream_->items().classes, statistics.mean, statistics.std};
  check();
}

void Loader::check() const {
  if (options_.batch_size < 1)
    throw ConfigError(fmt::format("Loader: expected a batch size of at least 1, got {}", options_.batch_size));
  if (item_count() == 0) throw ConfigError("Loader: expected a data set with at least one item, got none");
  if (size() == 0)
    throw ConfigError(fmt::format("Loader: {} items do not fill a batch of {}", item_count(), options_.batch_size));
}

void Loader::set_crop_flip(const std::optional<CropFlipOptions>& crop_flip) {
  if (crop_flip) kernels::check(*crop_flip);
  crop_flip_ = crop_flip;
}

void Loader::set_warp(const std::optional<WarpOptions>& warp) {
  if (warp) gw::check(*warp);
  warp_ = warp;
}

int64_t Loader::size() const {
  if (source_) return source_->size();
  const int64_t full = item_count() / options_.batch_size;
  const bool part = item_count() % options_.batch_size != 0;
  return full + (part && !options_.drop_last ? 1 : 0);
}

void Loader::start() {
  if (source_) return source_->start();
  const int64_t n = item_count();
  const Tensor order =
      options_.shuffle ? randperm(n, generator()) : arange(0, static_cast<double>(n), 1, {.dtype = DType::i64});
  position_ = 0;
  if (!stream_) {
    order_ = order.to(dataset_.images.device());  // once, so that no step waits for indices
    return;
  }
  const auto seed = static_cast<uint64_t>(randint(0, int64_t{1} << 52, {1}, {.dtype = DType::i64}, generator()).item());
  std::vector<int64_t> places = order.to_vector<int64_t>();
  if (options_.drop_last) places.resize(static_cast<size_t>(size() * options_.batch_size));
  stream_->start(std::move(places), options_.batch_size, seed);
}

bool Loader::next(Batch& batch) {
  if (source_) return source_->next(batch);
  if (stream_) return next_of_stream(batch);
  if (!order_.defined() || position_ >= size() * options_.batch_size || position_ >= dataset_.size()) return false;
  const Tensor indices = order_.slice(0, position_, position_ + options_.batch_size);
  position_ += indices.numel();
  gather(dataset_, indices, batch);
  return true;
}

bool Loader::next_of_stream(Batch& batch) {
  ItemBatch items;
  do {
    if (!stream_->next(items)) return false;
  } while (items.labels.numel() == 0);  // all of its pictures were bad
  ImageDataset part = dataset_;
  part.images = items.images.to(device_);
  part.labels = items.labels.to(device_);
  gather(part, arange(0, static_cast<double>(part.size()), 1, {.dtype = DType::i64}).to(device_), batch);
  return true;
}

void Loader::gather(const ImageDataset& source, const Tensor& indices, Batch& batch) {
  std::optional<CropFlip> crop_flip;
  if (crop_flip_) crop_flip = kernels::draw_crop_flip(*crop_flip_, indices.numel(), generator());
  batch.y = index_select(source.labels, 0, indices);
  if (warp_) {
    const Tensor warps =
        draw_warps(*warp_, crop_flip, indices.numel(), source.images.size(2), source.images.size(3), generator())
            .to(source.images.device());
    batch.x =
        kernels::warp_gather(source.images, indices, warps, source.mean, source.std, options_.dtype, warp_->padding);
    return;
  }
  batch.x = kernels::batch_gather(source.images, indices, source.mean, source.std, options_.dtype, crop_flip);
}

}  // namespace gw
