// Augmentation of batches where they lie: random crop and flip (drawn here, done while a batch is gathered, see
// batch_gather.h), random erase and random copy (the course's lesson 18). What is drawn depends on the generator only,
// not on the device.
#pragma once

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace gw {

/// Random crop: pad by `padding` pixels on all sides, crop back to the size at a random offset. Then the image is
/// mirrored left to right with probability `flip`.
struct CropFlipOptions {
  int64_t padding = 0;
  float flip = 0;
  bool pad_bytes = false;  ///< pad by black bytes; else, as the lesson, by zeros after normalisation
  bool per_image = false;  ///< each image draws its own; else one draw serves the whole batch
};

/// Random erase and copy: 0 .. max_num patches of int(pct * H) x int(pct * W) pixels.
struct PatchOptions {
  double pct = 0.2;
  int64_t max_num = 4;
  bool per_image = false;  ///< each image draws its own; else one draw serves the whole batch
};

/// Of all elements of a batch. In device memory: a tensor of these four f32.
struct BatchStatistics {
  float mean;
  float std;  ///< by n - 1
  float min, max;
};

/// A crop and flip with its place in the random stream.
struct CropFlip {
  CropFlipOptions options;
  PhiloxState state;
};

}  // namespace gw

namespace gw::kernels {

/// ConfigError for options out of their range.
void check(const CropFlipOptions& o);
void check(const PatchOptions& o);

/// Draws a crop and flip for `images` images, and moves `generator` past what it will read. ConfigError for options
/// out of their range.
CropFlip draw_crop_flip(const CropFlipOptions& o, int64_t images, Generator& generator);

/// The BatchStatistics of x (f32 or bf16, of any shape) as a tensor [4], in one pass over x; NaN for the deviation of
/// fewer than two elements. ShapeError for an empty x.
Tensor batch_statistics(const Tensor& x);

/// Replaces patches of x [N, C, H, W] (f32 or bf16, in channels-last memory) in place by normal noise of the batch's
/// mean and deviation, clamped to the batch's range. Patches draw one block of the stream each, the noise of element i
/// is element i of a tensor that kernels::normal fills. ConfigError for a share outside [0, 1] or a negative number;
/// ShapeError or DTypeError for another x.
void random_erase_(const Tensor& x, const PatchOptions& o, Generator& generator);

/// x with patches replaced by other patches of the same image. Each is copied after the one before, from the image as
/// it was then. Arguments and errors as for random_erase_.
Tensor random_copy(const Tensor& x, const PatchOptions& o, Generator& generator);

}  // namespace gw::kernels
