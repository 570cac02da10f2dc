// Recorder: what happened at each step.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/learner.h"

namespace gw {

/// Keeps the loss and chosen hyper-parameters of every training step. Losses stay on the device until they are asked
/// for.
class Recorder : public Callback {
 public:
  explicit Recorder(std::vector<std::string> hypers = {"lr"}) : names_(std::move(hypers)) {}
  void after_step(Learner& learner) override;

  std::vector<float> losses() const;
  /// The values of a hyper-parameter, one per step; ConfigError if it is not among those recorded.
  const std::vector<double>& hyper(const std::string& name) const;

 private:
  std::vector<std::string> names_;
  std::vector<Tensor> losses_;
  std::map<std::string, std::vector<double>> hypers_;
};

}  // namespace gw
