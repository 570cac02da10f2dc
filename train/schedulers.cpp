#include "train/schedulers.h"

#include <fmt/format.h>

namespace gw {

void BatchScheduler::before_batch(Learner& learner) {
  if (!learner.training) return;
  Optimizer& optimizer = *learner.optimizer;
  apply_schedule(schedule_, learner.step, optimizer);
  if (lr_shares_.empty()) return;
  const size_t groups = optimizer.groups().size();
  if (lr_shares_.size() != groups)
    throw ConfigError(fmt::format("BatchScheduler: expected a share of the learning rate for each of {} groups, got {}",
                                  groups, lr_shares_.size()));
  for (size_t g = 0; g < groups; ++g) optimizer.set_hyper("lr", optimizer.hyper("lr", g) * lr_shares_[g], g);
}

void ParamScheduler::before_batch(Learner& learner) {
  if (!learner.training) return;
  const int64_t steps = learner.epochs * learner.loader->size();
  const double position = static_cast<double>(learner.step) / static_cast<double>(steps);
  if (all_) return learner.optimizer->set_hyper(hyper_, all_(position));
  const size_t groups = learner.optimizer->groups().size();
  if (of_groups_.size() != groups)
    throw ConfigError(fmt::format("ParamScheduler: expected an annealing of '{}' for each of {} groups, got {}", hyper_,
                                  groups, of_groups_.size()));
  for (size_t g = 0; g < groups; ++g) learner.optimizer->set_hyper(hyper_, of_groups_[g](position), g);
}

}  // namespace gw
