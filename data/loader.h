// Loader: the batches of a data set, in order or shuffled.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "data/dataset.h"
#include "data/image_stream.h"
#include "data/warp.h"
#include "kernels/augment.h"
#include "tensor/random.h"

namespace gw {

/// What one training step sees.
struct Batch {
  Tensor x;  ///< [N, C, H, W], channels-last, normalised; of text [T, N], i64
  Tensor y;  ///< [N], i64; of text [T, N]
};

/// Batches that are not of images, such as those of TextBatches. A Loader made of one passes all calls on to it.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Number of batches of one pass.
  virtual int64_t size() const = 0;
  /// Begins a pass.
  virtual void start() = 0;
  /// The next batch of the pass; false when there is none left.
  virtual bool next(Batch& batch) = 0;
};

struct LoaderOptions {
  int64_t batch_size = 1024;
  bool shuffle = false;
  bool drop_last = false;          ///< leave out a last batch that is not full
  DType dtype = DType::f32;        ///< of the images: f32, or bf16 for mixed precision
  Generator* generator = nullptr;  ///< orders and augments the items; the default generator if not given
};

/// Goes through a data set in batches, on the device where its images are, or through pictures that are read from their
/// files meanwhile. Bytes are gathered, scaled and normalised in one pass as each batch is asked for.
class Loader {
 public:
  /// ConfigError unless the data set has items and the batch size is at least 1 and, with drop_last, at most the number
  /// of items.
  Loader(ImageDataset dataset, LoaderOptions options);
  /// Batches of a stream's pictures on `device`, normalised by a mean and a deviation per channel. The same errors.
  Loader(std::shared_ptr<ImageStream> stream, const ChannelStatistics& statistics, Device device,
         LoaderOptions options);
  /// Batches from elsewhere: the data set is empty then.
  explicit Loader(std::shared_ptr<BatchSource> source) : source_(std::move(source)) {}

  /// Of a stream's pictures: their kind, without items.
  const ImageDataset& dataset() const { return dataset_; }
  const LoaderOptions& options() const { return options_; }
  /// The one that orders and augments the items.
  Generator& generator() const { return options_.generator ? *options_.generator : default_generator(); }
  /// From the next batch on images are shifted and mirrored at random while they are gathered, or, without options,
  /// not. ConfigError for options out of their range.
  void set_crop_flip(const std::optional<CropFlipOptions>& crop_flip);
  /// The same for random geometry and light.
  void set_warp(const std::optional<WarpOptions>& warp);
  /// Number of batches of one pass.
  int64_t size() const;
  /// What it reads from, if it does.
  const ImageStream* stream() const { return stream_.get(); }
  int64_t item_count() const { return stream_ ? stream_->items().size() : dataset_.size(); }

  /// Begins a pass: draws a new order if shuffled.
  void start();
  /// The next batch of the pass into `batch`; false when there is none left.
  bool next(Batch& batch);

 private:
  void check() const;
  bool next_of_stream(Batch& batch);
  /// The batch of the items of `source` at these places.
  void gather(const ImageDataset& source, const Tensor& indices, Batch& batch);

  std::shared_ptr<BatchSource> source_;  ///< instead of the data set, or null
  ImageDataset dataset_;
  LoaderOptions options_;
  std::shared_ptr<ImageStream> stream_;  ///< if given, instead of the data set's items
  Device device_;                        ///< of the stream's batches
  std::optional<CropFlipOptions> crop_flip_;
  std::optional<WarpOptions> warp_;
  Tensor order_;  ///< i64, the items in the order of this pass
  int64_t position_ = 0;
};

}  // namespace gw
