#include "train/best_epoch.h"

#include <fmt/format.h>

namespace gw {

void BestEpoch::before_fit(Learner&) {
  epoch_ = -1;
  improved_ = false;
}

void BestEpoch::after_epoch(Learner& learner) {
  if (learner.training) return;
  for (const auto& [name, value] : learner.report.metrics) {
    if (name != metric_) continue;
    improved_ = epoch_ < 0 || value > value_;
    if (!improved_) return;
    epoch_ = learner.epoch;
    value_ = value;
    return;
  }
  throw ConfigError(fmt::format("BestEpoch: the validation has no metric '{}'", metric_));
}

CallbackState BestEpoch::state() const { return {{}, {{"epoch", static_cast<double>(epoch_)}, {"value", value_}}}; }

void BestEpoch::load_state(const CallbackState& state) {
  epoch_ = static_cast<int64_t>(state.numbers.at("epoch"));
  value_ = state.numbers.at("value");
}

}  // namespace gw
