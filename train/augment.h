// Augmentation as a callback: random changes of every batch, so that no image is ever seen twice alike.
#pragma once

#include <string>
#include <vector>

#include "kernels/augment.h"
#include "train/learner.h"

namespace gw {

/// Replaces patches of images at random.
struct PatchAugmentation {
  enum class Kind { erase, copy };
  Kind kind = Kind::erase;
  PatchOptions options = {};
};

/// What is done to a batch: a crop, flip and warp while it is gathered, then the patches in their order.
struct Augmentation {
  CropFlipOptions crop_flip = {};
  WarpOptions warp = {};
  std::vector<PatchAugmentation> patches = {};

  bool moves() const { return crop_flip.padding > 0 || crop_flip.flip > 0; }
};

/// Reads a list such as "crop,flip,erase" or "crop=2,flip=0.5,copy=0.3": of crop (=padding, 1 if not given), shift (the
/// same, padded by black instead of normalised zeros), flip (=probability, 0.5), erase and copy (=share of each side of
/// the image, 0.2), and rotate (=degrees, 10), zoom (=factor, 1.1), translate (=share, 0.1), shear (=degrees, 10), warp
/// (=share, 0.2), brightness and contrast (=share, 0.2), cutout (=share, 0.25), for which see WarpOptions. `per_image`:
/// every image draws for itself; else one draw serves a whole batch, as in the course's lesson 18. ConfigError for
/// another name and for a value out of its range.
Augmentation parse_augmentation(const std::string& list, bool per_image = false);

/// Applies an Augmentation to the batches of training, of validation, or of both.
class Augment : public Callback {
 public:
  enum class On { train, valid, both };

  explicit Augment(Augmentation augmentation, On on = On::train) : augmentation_(std::move(augmentation)), on_(on) {}
  /// Before the callbacks that look at what the model sees.
  int order() const override { return -10; }
  void before_epoch(Learner& learner) override;
  void before_batch(Learner& learner) override;
  void cleanup_epoch(Learner& learner) override;

 private:
  bool applies_to(const Learner& learner) const;

  Augmentation augmentation_;
  On on_;
};

}  // namespace gw
