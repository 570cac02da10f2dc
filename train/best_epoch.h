// BestEpoch: which epoch was the best so far.
#pragma once

#include <cstdint>
#include <string>

#include "train/learner.h"

namespace gw {

/// Watches a metric of the validation data, of which more is better. Runs before the callbacks that ask it.
class BestEpoch : public Callback {
 public:
  explicit BestEpoch(std::string metric = "accuracy") : metric_(std::move(metric)) {}
  int order() const override { return -5; }
  void before_fit(Learner& learner) override;
  void after_epoch(Learner& learner) override;

  /// Whether the last epoch was better than all before it.
  bool improved() const { return improved_; }
  /// The best epoch, counted from 0, and its value; -1 while there was none.
  int64_t epoch() const { return epoch_; }
  double value() const { return value_; }

  std::string state_name() const override { return "best"; }
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

 private:
  std::string metric_;
  int64_t epoch_ = -1;
  double value_ = 0;
  bool improved_ = false;
};

}  // namespace gw
