// Loader: the batches of a data set, in order or shuffled.
#pragma once

#include <cstdint>
#include <optional>

#include "data/dataset.h"
#include "kernels/augment.h"
#include "tensor/random.h"

namespace gw {

/// What one training step sees.
struct Batch {
  Tensor x;  ///< [N, C, H, W], channels-last, normalised
  Tensor y;  ///< [N], i64
};

struct LoaderOptions {
  int64_t batch_size = 1024;
  bool shuffle = false;
  bool drop_last = false;          ///< leave out a last batch that is not full
  DType dtype = DType::f32;        ///< of the images: f32, or bf16 for mixed precision
  Generator* generator = nullptr;  ///< orders and augments the items; the default generator if not given
};

/// Goes through a data set in batches, on the device where its images are. Bytes are gathered, scaled and normalised in one pass as each batch is asked
/// for.
class Loader {
 public:
  /// ConfigError unless the data set has items and the batch size is at least 1 and, with drop_last, at most the number
  /// of items.
  Loader(ImageDataset dataset, LoaderOptions options);

  const ImageDataset& dataset() const { return dataset_; }
  const LoaderOptions& options() const { return options_; }
  /// The one that orders and augments the items.
  Generator& generator() const { return options_.generator ? *options_.generator : default_generator(); }
  /// From the next batch on images are shifted and mirrored at random while they are gathered, or, without options,
  /// not. ConfigError for options out of their range.
  void set_crop_flip(const std::optional<CropFlipOptions>& crop_flip);
  /// Number of batches of one pass.
  int64_t size() const;

  /// Begins a pass: draws a new order if shuffled.
  void start();
  /// The next batch of the pass into `batch`; false when there is none left.
  bool next(Batch& batch);

 private:
  ImageDataset dataset_;
  LoaderOptions options_;
  std::optional<CropFlipOptions> crop_flip_;
  Tensor order_;  ///< i64, the items in the order of this pass
  int64_t position_ = 0;
};

}  // namespace gw
