// PlotsCallback: a run in pictures.
#pragma once

#include <memory>

#include "train/activation_stats.h"
#include "train/plots/plot_folder.h"
#include "train/recorder.h"

namespace gw {

/// Draws into a folder: the first batch as the model sees it and the training curves after every epoch, and at the end
/// of the fit, also of one that ended early or failed, the activations. Nothing is drawn or copied to the host within a
/// training step.
class PlotsCallback : public Callback {
 public:
  PlotsCallback(std::shared_ptr<PlotFolder> folder, std::shared_ptr<const Recorder> recorder,
                std::shared_ptr<const ActivationStats> activations)
      : folder_(std::move(folder)), recorder_(std::move(recorder)), activations_(std::move(activations)) {}
  /// After the augmentation and all that reports on an epoch.
  int order() const override { return 50; }
  void before_fit(Learner& learner) override;
  void before_batch(Learner& learner) override;
  void after_epoch(Learner& learner) override;
  void cleanup_fit(Learner& learner) override;

 private:
  std::shared_ptr<PlotFolder> folder_;
  std::shared_ptr<const Recorder> recorder_;
  std::shared_ptr<const ActivationStats> activations_;
  Batch first_batch_;
};

/// What a trained model gets wrong: confusion matrix and most confused examples of the validation data.
void plot_mistakes(PlotFolder& folder, const Tensor& logits, const Tensor& targets, const ImageDataset& dataset);

}  // namespace gw
