// Averaged weights: train with one set of weights, and answer with the running average of all that it has been.
#pragma once

#include <vector>

#include "kernels/optimizer.h"
#include "train/learner.h"

namespace gw {

/// Keeps an exponential moving average of the model's parameters (Polyak and Juditsky, 1992), brought up to date on the
/// device after every step: average += (1 - d) (weight - average). After t steps d = min(decay, (1 + t) / (10 + t)), so
/// that the random weights of the beginning are soon forgotten.
///
/// Running statistics of norms are averaged likewise, because each belongs to the weights of its step, and the average
/// of the weights wants what is true of all of them; counters stay as they are.
///
/// Validation, and what is done after it (saving) or after the fit (test time augmentation), sees the averages in the
/// model; training goes on with the weights themselves, in the same memory, so that captured graphs stay valid.
class AveragedWeights : public Callback {
 public:
  /// ConfigError unless 0 <= decay < 1.
  explicit AveragedWeights(double decay);
  /// Before the callbacks that load a checkpoint, and those that save when the fit ends.
  int order() const override { return -15; }
  void before_fit(Learner& learner) override;
  void before_epoch(Learner& learner) override { show_averages(!learner.training); }
  void after_step(Learner& learner) override;
  void cleanup_fit(Learner&) override { show_averages(true); }

  std::string state_name() const override { return "averaged_weights"; }
  /// Those of the two sets of weights that are not in the model.
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

 private:
  /// Has the model hold the averages, or the weights that train.
  void show_averages(bool show);

  double decay_;
  std::vector<std::string> names_;
  std::vector<kernels::OptimizerTensors> tensors_;  ///< param: our set; grad: the model's
  bool averages_shown_ = false;                     ///< then ours are the weights that train
  Tensor hypers_;                                   ///< [1, 7], on the device
};

}  // namespace gw
