// The choices behind --opt and --sched, and the parts that every command's Learner has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "optim/schedule.h"
#include "train/learner.h"

namespace gw::commands {

/// Makes the schedule of a run of so many steps with a largest learning rate.
using ScheduleFunction = std::function<Schedule(double lr, int64_t steps)>;

/// Makes an optimizer for groups of parameters, with a learning rate for those that have none of their own.
using GroupOptimizer = std::function<Optimizer(std::vector<ParamGroup> groups, double lr)>;

const std::map<std::string, GroupOptimizer>& group_optimizers();
/// The same for parameters in one group.
const std::map<std::string, OptimizerFunction>& optimizers();
const std::map<std::string, ScheduleFunction>& schedules();

/// The names of a table's choices.
template <class T>
std::vector<std::string> keys(const std::map<std::string, T>& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.push_back(entry.first);
  return names;
}

/// The largest learning rate with which the course trains a model.
double default_lr(const std::string& model);

LossFunction classification_loss();
/// Mean loss and accuracy of every epoch.
CallbackPtr accuracy_metrics();

}  // namespace gw::commands
