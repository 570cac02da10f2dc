// Reading pictures with several threads, ahead of their use.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "data/dataset.h"
#include "data/image_items.h"
#include "tensor/random.h"

namespace gw {

/// What becomes of a picture that cannot be read.
enum class OnBadImage { error, skip };

struct ImageStreamOptions {
  /// Makes u8 [3, height, width] of a picture u8 [3, H, W] of any size.
  std::function<Tensor(const Tensor& image, Generator& generator)> transform;
  int64_t height = 0, width = 0;
  int workers = 0;    ///< threads; 0: as many as the machine has cores
  int64_t ahead = 4;  ///< batches that may be read before they are asked for
  OnBadImage on_bad_image = OnBadImage::error;
};

/// Bytes of some items, in order.
struct ItemBatch {
  Tensor images;  ///< u8 [N, 3, height, width]
  Tensor labels;  ///< i64 [N]
};

/// Goes through items in batches. Each item has random numbers of its own, made of the pass's seed and its place in the
/// order, so that neither the number of threads nor their pace changes anything.
class ImageStream {
 public:
  /// ConfigError for a size, a number of workers or of batches out of range.
  ImageStream(ImageItems items, ImageStreamOptions options);
  ~ImageStream();
  ImageStream(const ImageStream&) = delete;
  ImageStream& operator=(const ImageStream&) = delete;

  const ImageItems& items() const { return items_; }
  const ImageStreamOptions& options() const { return options_; }

  /// Begins a pass over the items of `order`, `batch_size` at a time; what was left of an earlier pass is dropped.
  void start(std::vector<int64_t> order, int64_t batch_size, uint64_t seed);
  /// The next batch, waiting until it is there; false at the end. Throws what went wrong with the first bad picture of
  /// the batch, or leaves bad pictures out, so that a batch may be short or empty.
  bool next(ItemBatch& batch);
  /// The faults of all pictures left out so far, by path.
  const std::map<std::string, std::string>& bad_images() const { return bad_images_; }

 private:
  /// A batch on its way.
  struct Slot {
    Tensor images;
    int64_t left = 0;                           ///< items that are not there yet
    std::map<int64_t, std::exception_ptr> bad;  ///< by place in the batch
  };

  void work();
  void stop();
  int64_t batch_count() const;
  int64_t size_of_batch(int64_t batch) const;
  void finish_item(int64_t position, const std::exception_ptr& error);
  ItemBatch without_bad(const Slot& slot, int64_t batch);

  ImageItems items_;
  ImageStreamOptions options_;
  std::vector<int64_t> order_;
  int64_t batch_size_ = 1;
  uint64_t seed_ = 0;
  std::map<std::string, std::string> bad_images_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Slot> slots_;  ///< by batch
  int64_t taken_ = 0;              ///< items that a worker has begun
  int64_t delivered_ = 0;          ///< batches
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

/// All items as a data set in memory, read by several threads. Of a data set of pictures of natural light, mean and
/// deviation are left for the caller. The faults of skipped pictures go to `bad_images`, if given. IoError if none
/// remains.
ImageDataset load_images(const ImageItems& items, const ImageStreamOptions& options,
                         std::map<std::string, std::string>* bad_images = nullptr);

/// Mean and standard deviation of each channel of images u8 [M, C, H, W], scaled to 0 .. 1.
struct ChannelStatistics {
  std::vector<float> mean, std;
};
ChannelStatistics channel_statistics(const Tensor& images);

}  // namespace gw
