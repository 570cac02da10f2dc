// EarlyStopping: no more epochs once validation has stopped improving.
#pragma once

#include "train/learner.h"

namespace gw {

struct EarlyStoppingOptions {
  int64_t patience = 3;  ///< epochs without improvement after which training ends
  double min_delta = 0;  ///< by how much an improvement must lower the loss
};

/// Watches the loss on the validation data. Runs after the callbacks that save and report, which see the last epoch
/// too.
class EarlyStopping : public Callback {
 public:
  /// ConfigError unless patience is at least 1.
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  int order() const override { return 30; }
  void before_fit(Learner& learner) override;
  void after_epoch(Learner& learner) override;

  std::string state_name() const override { return "early_stopping"; }
  CallbackState state() const override;
  void load_state(const CallbackState& state) override;

 private:
  EarlyStoppingOptions options_;
  double best_;
  int64_t waited_ = 0;  ///< epochs since the best
};

}  // namespace gw
