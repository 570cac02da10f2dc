// Predictions for a whole data set, plain and averaged over views of each image.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "train/learner.h"

namespace gw {

/// Changes the images of each batch before the model sees them.
class BatchTransform : public Callback {
 public:
  explicit BatchTransform(std::function<Tensor(const Tensor& x)> transform) : transform_(std::move(transform)) {}
  void before_batch(Learner& learner) override { learner.batch.x = transform_(learner.batch.x); }

 private:
  std::function<Tensor(const Tensor&)> transform_;
};

/// Keeps the predictions and targets of an epoch of validation.
class CapturePredictions : public Callback {
 public:
  void before_fit(Learner& learner) override;
  void after_batch(Learner& learner) override;
  /// Logits [M, classes] in f32 and targets [M], in the order of the data.
  std::pair<Tensor, Tensor> result() const;

 private:
  std::vector<Tensor> predictions_, targets_;
};

/// The model's logits and the targets for the validation data, with `callbacks` (such as a BatchTransform) for this
/// pass.
std::pair<Tensor, Tensor> predict_validation(Learner& learner, std::vector<CallbackPtr> callbacks = {});

/// Test time augmentation: the mean of the logits for the images and for their mirror images, and the targets.
std::pair<Tensor, Tensor> predict_with_flips(Learner& learner);

/// Share of the rows whose largest logit is that of their target.
double accuracy_of(const Tensor& logits, const Tensor& targets);

}  // namespace gw
