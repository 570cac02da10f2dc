// Mixup and cutmix as a callback.
#pragma once

#include "data/mix.h"
#include "train/learner.h"

namespace gw {

/// Mixes the images of every training batch with each other, and their labels alike. The model and the loss see targets
/// that are probabilities [N, classes]; metrics see the images' own labels. A captured step works with it, as what is
/// drawn stands in the batch.
class Mix : public Callback {
 public:
  /// ConfigError for options out of their range.
  explicit Mix(MixOptions options) : options_(options) { check(options_); }
  /// After the augmentation, before the callbacks that look at what the model sees.
  int order() const override { return -5; }
  void before_batch(Learner& learner) override;
  void after_step(Learner& learner) override;

 private:
  MixOptions options_;
  Tensor labels_;  ///< of the batch, while its targets are mixed
};

}  // namespace gw
