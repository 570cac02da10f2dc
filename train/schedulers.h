// Schedules at work: hyper-parameters that change during training.
#pragma once

#include "optim/schedule.h"
#include "train/learner.h"

namespace gw {

/// Sets the optimizer's hyper-parameters before every training batch, by the number of steps taken.
class BatchScheduler : public Callback {
 public:
  explicit BatchScheduler(Schedule schedule) : schedule_(std::move(schedule)) {}
  void before_batch(Learner& learner) override {
    if (learner.training) apply_schedule(schedule_, learner.step, *learner.optimizer);
  }

 private:
  Schedule schedule_;
};

/// Sets the optimizer's hyper-parameters before every epoch of training, by its number.
class EpochScheduler : public Callback {
 public:
  explicit EpochScheduler(Schedule schedule) : schedule_(std::move(schedule)) {}
  void before_epoch(Learner& learner) override {
    if (learner.training) apply_schedule(schedule_, learner.epoch, *learner.optimizer);
  }

 private:
  Schedule schedule_;
};

}  // namespace gw
