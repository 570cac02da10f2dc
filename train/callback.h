// Callback: what can be added to the training loop, and where.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tensor/safetensors.h"

namespace gw {

class Learner;

/// What a callback must remember for a run to go on where it was, by name.
struct CallbackState {
  NamedTensors tensors;
  std::map<std::string, double> numbers;
};

/// Everything that the loop of Learner does not do itself. A callback overrides the moments it cares for and gets the
/// learner, whose state it may read and change. Callbacks run in ascending order(); those of one order, in the order in
/// which they were added.
///
/// fit, epoch and batch each have three moments: before, after (not reached if it was cancelled or failed) and cleanup
/// (always reached). An epoch is one pass over the training data or over the validation data: learner.training tells
/// which.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual int order() const { return 0; }

  virtual void before_fit(Learner&) {}
  virtual void after_fit(Learner&) {}
  virtual void cleanup_fit(Learner&) {}

  virtual void before_epoch(Learner&) {}
  virtual void after_epoch(Learner&) {}
  virtual void cleanup_epoch(Learner&) {}

  virtual void before_batch(Learner&) {}
  virtual void after_predict(Learner&) {}
  virtual void after_loss(Learner&) {}
  virtual void after_backward(Learner&) {}
  virtual void after_step(Learner&) {}
  virtual void after_batch(Learner&) {}
  virtual void cleanup_batch(Learner&) {}

  /// For checkpoints: a callback whose future depends on its past gives that past a name of its own, and takes it back.
  virtual std::string state_name() const { return ""; }
  virtual CallbackState state() const { return {}; }
  virtual void load_state(const CallbackState&) {}
};

using CallbackPtr = std::shared_ptr<Callback>;

/// Thrown by a callback to end this batch, this epoch or the whole fit early. Not errors: the loop catches them.
struct CancelBatch {};
struct CancelEpoch {};
struct CancelFit {};

}  // namespace gw
