// Recorder: what happened at each step and in each epoch.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/learner.h"

namespace gw {

/// The figures of one pass over the training or the validation data.
struct EpochRecord {
  int64_t epoch;
  int64_t step;  ///< optimizer steps taken by its end
  bool training;
  double loss;
  std::map<std::string, double> metrics;
};

/// Keeps the loss and chosen hyper-parameters of every training step of a fit, and the report of every epoch. Losses
/// stay on the device until they are asked for.
class Recorder : public Callback {
 public:
  /// "momentum" is beta1 of an optimizer that has that instead, and is left out where there is neither.
  explicit Recorder(std::vector<std::string> hypers = {"lr", "momentum"}) : names_(std::move(hypers)) {}
  void before_fit(Learner& learner) override;
  void after_step(Learner& learner) override;
  void after_epoch(Learner& learner) override;

  std::vector<float> losses() const;
  /// The values of a hyper-parameter, one per step; ConfigError if it is not among those recorded.
  const std::vector<double>& hyper(const std::string& name) const;
  bool has_hyper(const std::string& name) const { return hypers_.contains(name); }
  const std::vector<EpochRecord>& epochs() const { return epochs_; }

  std::string state_name() const override { return "recorder"; }
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

 private:
  std::vector<std::string> names_;
  std::vector<float> past_;     ///< losses of the steps before a checkpoint
  std::vector<Tensor> losses_;  ///< those since then, on the device
  std::map<std::string, std::vector<double>> hypers_;
  std::vector<EpochRecord> epochs_;
};

}  // namespace gw
