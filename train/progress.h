// Progress on the terminal.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "train/learner.h"

namespace gw {

/// Prints a line per epoch with loss, metrics, rate and time; on a terminal also a live bar with the running loss,
/// items per second and time left. The loss is read a few times a second at the most, so that the training step need
/// not wait for it.
class ProgressCallback : public Callback {
 public:
  /// `unit` names what a rate counts: the elements of the targets.
  explicit ProgressCallback(std::FILE* out = stdout, std::string unit = "images");
  int order() const override { return 10; }
  void before_fit(Learner& learner) override;
  void before_epoch(Learner& learner) override;
  void after_batch(Learner& learner) override;
  void after_epoch(Learner& learner) override;
  void cleanup_epoch(Learner& learner) override;

 private:
  using Clock = std::chrono::steady_clock;

  void draw_bar(const Learner& learner, double seconds);
  void erase_bar();

  std::FILE* out_;
  std::string unit_;
  bool terminal_;
  bool bar_drawn_ = false;
  int64_t items_ = 0;  ///< of this epoch so far
  int64_t batches_done_ = 0, batches_in_all_ = 0;
  Clock::time_point fit_start_, epoch_start_, last_drawn_;
};

}  // namespace gw
