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

/// How an image is looked at: shifted by so many pixels, what comes in from outside being 0 (the mean), and mirrored.
struct View {
  int64_t down = 0, right = 0;
  bool flip = false;
};

/// The views of test time augmentation: 1, the image itself; 2, also mirrored; 10, both also shifted by a pixel up,
/// down, left and right; 18, and diagonally. ConfigError for another number.
std::vector<View> test_time_views(int64_t count);

/// Images [N, C, H, W] seen so.
Tensor see(const View& view, const Tensor& x);

/// Test time augmentation: the mean of the logits over the views of each image, and the targets.
std::pair<Tensor, Tensor> predict_views(Learner& learner, const std::vector<View>& views);
/// The same over the images and their mirror images.
inline std::pair<Tensor, Tensor> predict_with_flips(Learner& learner) {
  return predict_views(learner, test_time_views(2));
}

/// Dropout layers drop in this pass too, though the model does not train. ConfigError, in before_fit, for a model that
/// has none.
class DropoutAtTestTime : public Callback {
 public:
  void before_fit(Learner& learner) override;
  void before_epoch(Learner& learner) override;
  void cleanup_epoch(Learner& learner) override;
};

/// What a model with dropout says, and how sure it is (Gal and Ghahramani, "Dropout as a Bayesian approximation",
/// 2015).
struct DropoutPrediction {
  Tensor probabilities;  ///< [M, classes], the mean over the samples
  Tensor spread;         ///< [M, classes], their standard deviation
  Tensor targets;
};
/// Predicts `samples` times with dropout at test time. ConfigError unless there are at least two.
DropoutPrediction predict_with_dropout(Learner& learner, int64_t samples);

/// Share of the rows whose largest logit is that of their target.
double accuracy_of(const Tensor& logits, const Tensor& targets);

}  // namespace gw
