#include "data/image_stream.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "data/image_file.h"
#include "tensor/creation.h"

namespace gw {

ImageStream::ImageStream(ImageItems items, ImageStreamOptions options)
    : items_(std::move(items)), options_(std::move(options)) {
  if (options_.height < 1 || options_.width < 1)
    throw ConfigError(
        fmt::format("ImageStream: expected a size of at least 1 x 1, got {} x {}", options_.height, options_.width));
  if (options_.workers < 0 || options_.ahead < 1)
    throw ConfigError(fmt::format("ImageStream: expected no less than 0 workers and 1 batch ahead, got {} and {}",
                                  options_.workers, options_.ahead));
  if (options_.workers == 0) options_.workers = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ImageStream::~ImageStream() { stop(); }

void ImageStream::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  stopping_ = false;
}

void ImageStream::start(std::vector<int64_t> order, int64_t batch_size, uint64_t seed) {
  stop();
  order_ = std::move(order);
  batch_size_ = batch_size;
  seed_ = seed;
  slots_.clear();
  taken_ = delivered_ = 0;
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
}

int64_t ImageStream::batch_count() const {
  return (static_cast<int64_t>(order_.size()) + batch_size_ - 1) / batch_size_;
}

int64_t ImageStream::size_of_batch(int64_t batch) const {
  return std::min(batch_size_, static_cast<int64_t>(order_.size()) - batch * batch_size_);
}

void ImageStream::work() {
  const int64_t image_bytes = 3 * options_.height * options_.width;
  while (true) {
    int64_t position = 0;
    uint8_t* to = nullptr;
    {
      std::unique_lock lock(mutex_);
      const auto count = static_cast<int64_t>(order_.size());
      changed_.wait(lock,
                    [&] { return stopping_ || taken_ >= count || taken_ / batch_size_ < delivered_ + options_.ahead; });
      if (stopping_ || taken_ >= count) return;
      position = taken_++;
      const int64_t batch = position / batch_size_;
      Slot& slot = slots_[batch];
      if (!slot.images.defined()) {
        slot.left = size_of_batch(batch);
        slot.images = empty({slot.left, 3, options_.height, options_.width}, {.dtype = DType::u8});
      }
      to = slot.images.data<uint8_t>() + position % batch_size_ * image_bytes;
    }
    std::exception_ptr error;
    try {
      const std::string& path = items_.paths[static_cast<size_t>(order_[static_cast<size_t>(position)])];
      Generator generator(seed_ ^ (static_cast<uint64_t>(position) + 1) * 0x9e3779b97f4a7c15u);
      const Tensor image = options_.transform(read_image(path), generator).contiguous();
      if (image.shape() != Shape{3, options_.height, options_.width} || image.dtype() != DType::u8)
        throw ShapeError(fmt::format("ImageStream: expected the transforms to make u8 [3, {}, {}] of {}, got {} {}",
                                     options_.height, options_.width, path, name_of(image.dtype()),
                                     image.shape().to_string()));
      std::memcpy(to, image.data<uint8_t>(), static_cast<size_t>(image_bytes));
    } catch (...) {
      error = std::current_exception();
    }
    finish_item(position, error);
  }
}

void ImageStream::finish_item(int64_t position, const std::exception_ptr& error) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_.at(position / batch_size_);
  if (error) slot.bad[position % batch_size_] = error;
  if (--slot.left == 0) changed_.notify_all();
}

bool ImageStream::next(ItemBatch& batch) {
  Slot slot;
  const int64_t number = delivered_;
  {
    std::unique_lock lock(mutex_);
    if (number >= batch_count()) return false;
    changed_.wait(lock, [&] {
      const auto it = slots_.find(number);
      return it != slots_.end() && it->second.left == 0;
    });
    slot = std::move(slots_.at(number));
    slots_.erase(number);
    ++delivered_;
  }
  changed_.notify_all();
  if (!slot.bad.empty() && options_.on_bad_image == OnBadImage::error) std::rethrow_exception(slot.bad.begin()->second);
  batch = without_bad(slot, number);
  return true;
}

ItemBatch ImageStream::without_bad(const Slot& slot, int64_t batch) {
  std::vector<int64_t> labels, kept;
  for (int64_t i = 0; i < slot.images.size(0); ++i) {
    const auto item = static_cast<size_t>(order_[static_cast<size_t>(batch * batch_size_ + i)]);
    const auto bad = slot.bad.find(i);
    if (bad == slot.bad.end()) {
      labels.push_back(items_.labels[item]);
      kept.push_back(i);
      continue;
    }
    try {
      std::rethrow_exception(bad->second);
    } catch (const std::exception& error) {
      bad_images_[items_.paths[item]] = error.what();
    }
  }
  const int64_t bytes = slot.images.numel() / std::max<int64_t>(1, slot.images.size(0));
  uint8_t* const images = slot.images.data<uint8_t>();
  for (size_t to = 0; to < kept.size(); ++to)  // moves towards the front only
    if (const auto from = static_cast<size_t>(kept[to]); from != to)
      std::memcpy(images + to * static_cast<size_t>(bytes), images + from * static_cast<size_t>(bytes),
                  static_cast<size_t>(bytes));
  const auto count = static_cast<int64_t>(kept.size());
  return {slot.images.slice(0, 0, count), from_values<int64_t>(labels, {count}, {.dtype = DType::i64})};
}

ImageDataset load_images(const ImageItems& items, const ImageStreamOptions& options,
                         std::map<std::string, std::string>* bad_images) {
  ImageStream stream(items, options);
  std::vector<int64_t> order(items.paths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  stream.start(std::move(order), std::max<int64_t>(1, items.size()), 0);
  ItemBatch all;
  if (!stream.next(all) || all.images.size(0) == 0)
    throw IoError(fmt::format("load_images: none of {} pictures could be read", items.size()));
  if (bad_images) *bad_images = stream.bad_images();
  return {all.images, all.labels, items.classes, {}, {}};
}

ChannelStatistics channel_statistics(const Tensor& images) {
  const int64_t count = images.size(0), channels = images.size(1), plane = images.size(2) * images.size(3);
  const Tensor source = images.contiguous();
  ChannelStatistics statistics;
  for (int64_t c = 0; c < channels; ++c) {
    uint64_t sum = 0, squares = 0;
    for (int64_t n = 0; n < count; ++n) {
      const uint8_t* const values = source.data<uint8_t>() + (n * channels + c) * plane;
      for (int64_t i = 0; i < plane; ++i) {
        sum += values[i];
        squares += uint64_t{values[i]} * values[i];
      }
    }
    const double total = static_cast<double>(count * plane), mean = static_cast<double>(sum) / total;
    const double variance = static_cast<double>(squares) / total - mean * mean;
    statistics.mean.push_back(static_cast<float>(mean / 255));
    statistics.std.push_back(static_cast<float>(std::sqrt(std::max(variance, 1e-12)) / 255));
  }
  return statistics;
}

}  // namespace gw
