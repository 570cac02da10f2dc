// Schedules at work: hyper-parameters that change during training.
#pragma once

#include "optim/annealing.h"
#include "optim/schedule.h"
#include "train/learner.h"

namespace gw {

/// Sets the optimizer's hyper-parameters before every training batch, by the number of steps taken. With `lr_shares`
/// (differential learning rates) each group of parameters trains with its share of the schedule's rate.
class BatchScheduler : public Callback {
 public:
  explicit BatchScheduler(Schedule schedule, std::vector<double> lr_shares = {})
      : schedule_(std::move(schedule)), lr_shares_(std::move(lr_shares)) {}
  /// ConfigError unless there are no shares, or as many as groups.
  void before_batch(Learner& learner) override;

 private:
  Schedule schedule_;
  std::vector<double> lr_shares_;
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

/// Sets one hyper-parameter before every training batch, by how far training has come: by one annealing for all groups
/// of parameters, or one for each.
class ParamScheduler : public Callback {
 public:
  ParamScheduler(std::string hyper, Annealing annealing) : hyper_(std::move(hyper)), all_(std::move(annealing)) {}
  ParamScheduler(std::string hyper, std::vector<Annealing> of_groups)
      : hyper_(std::move(hyper)), of_groups_(std::move(of_groups)) {}

  /// ConfigError, before the first batch, unless there are as many annealings as groups.
  void before_batch(Learner& learner) override;

 private:
  std::string hyper_;
  Annealing all_;
  std::vector<Annealing> of_groups_;
};

}  // namespace gw
