// Callbacks that end training early.
#pragma once

#include <utility>
#include <vector>

#include "train/learner.h"

namespace gw {

/// Ends training with an Error that names the first step whose loss was NaN or infinite. It reads the losses many
/// steps late, all at a time, so that no step waits for it; at the latest at the end of the epoch, before anything is
/// saved.
class NanGuard : public Callback {
 public:
  int order() const override { return -20; }
  void after_batch(Learner& learner) override;
  void after_epoch(Learner& learner) override;

 private:
  void check();

  std::vector<std::pair<int64_t, Tensor>> pending_;  ///< step and loss
  int64_t epoch_ = 0;
};

/// Ends training after the batch during which the user pressed Ctrl-C. While a fit runs it stands in for the default
/// action; a second Ctrl-C ends the program at once.
class InterruptGuard : public Callback {
 public:
  void before_fit(Learner& learner) override;
  void after_batch(Learner& learner) override;
  void cleanup_fit(Learner& learner) override;
  /// True once a fit was ended by Ctrl-C.
  static bool interrupted();
};

/// Ends every epoch after its first batch: a quick check that all parts fit together.
class SingleBatch : public Callback {
 public:
  int order() const override { return 20; }
  void after_batch(Learner&) override { throw CancelEpoch{}; }
};

}  // namespace gw
