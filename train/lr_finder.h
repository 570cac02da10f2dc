// The learning rate finder: trains while the rate grows, and watches for where the loss falls and where it explodes
// (Smith, "Cyclical learning rates for training neural networks", 2015).
#pragma once

#include <utility>
#include <vector>

#include "train/learner.h"

namespace gw {

struct LRFinderOptions {
  double start_lr = 1e-5;
  double gamma = 1.3;         ///< the rate grows by this factor from step to step
  double max_multiple = 3;    ///< ends when the loss is more than so many times the smallest before, or not a number
  double end_lr = 100;        ///< ends at this rate at the latest
  int64_t max_epochs = 1000;  ///< ends after so many passes over the training data at the latest
};

struct LRFinderResult {
  std::vector<double> lrs, losses;  ///< of each step; the last is the one that ended it
  std::vector<double> smoothed;     ///< the losses, each averaged with its neighbours
  /// A tenth of the rate at which the smoothed loss is lowest: there it still falls, well before it explodes.
  double suggested_lr = 0;
};

/// Sets the rate of every step and ends the fit. It reads the losses several at a time, so that no step waits for one:
/// a few steps more are taken than would have been needed, and forgotten.
class LRFinder : public Callback {
 public:
  explicit LRFinder(LRFinderOptions options = {}) : options_(options) {}
  int order() const override { return 20; }
  void before_fit(Learner& learner) override;
  void before_batch(Learner& learner) override;
  void after_batch(Learner& learner) override;
  void after_fit(Learner& learner) override;

  LRFinderResult result() const;

 private:
  /// Takes over the losses that are waiting; true if one of them ends it.
  bool check();

  LRFinderOptions options_;
  std::vector<std::pair<double, Tensor>> waiting_;  ///< rate and loss
  std::vector<double> lrs_, losses_;
  bool ended_ = false;
};

/// Runs the finder with the learner's own callbacks put aside; then gives the model its weights back and the default
/// generator its place. ConfigError for options that make no sense.
LRFinderResult find_lr(Learner& learner, const LRFinderOptions& options = {});

}  // namespace gw
