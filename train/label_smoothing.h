// Label smoothing: train towards answers that are not quite sure.
#pragma once

#include "autograd/losses.h"
#include "train/learner.h"

namespace gw {

/// Trains with the cross entropy of targets of which a share is spread evenly over the classes (Szegedy et al.,
/// "Rethinking the Inception architecture", 2015). Validation keeps the learner's own loss, so that its figures can be
/// compared with those of other runs.
class LabelSmoothing : public Callback {
 public:
  explicit LabelSmoothing(double share) : share_(share) {}
  void before_fit(Learner& learner) override { plain_ = learner.loss_function; }
  void before_epoch(Learner& learner) override {
    if (!learner.training) {
      learner.loss_function = plain_;
      return;
    }
    learner.loss_function = [share = share_](const Tensor& prediction, const Tensor& target) {
      return cross_entropy(prediction, target, {.label_smoothing = share});
    };
  }
  void cleanup_fit(Learner& learner) override {
    if (plain_) learner.loss_function = plain_;
  }

 private:
  double share_;
  LossFunction plain_;
};

}  // namespace gw
