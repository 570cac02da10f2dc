#include "train/early_stopping.h"

#include <fmt/format.h>

#include <limits>

namespace gw {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

}  // namespace

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(options), best_(kNone) {
  if (options.patience < 1)
    throw ConfigError(fmt::format("EarlyStopping: expected a patience of at least 1, got {}", options.patience));
}

void EarlyStopping::before_fit(Learner&) {
  best_ = kNone;
  waited_ = 0;
}

void EarlyStopping::after_epoch(Learner& learner) {
  if (learner.training) return;
  const bool improved = learner.report.loss < best_ - options_.min_delta;
  if (improved) best_ = learner.report.loss;
  waited_ = improved ? 0 : waited_ + 1;
  if (waited_ >= options_.patience) throw CancelFit{};
}

CallbackState EarlyStopping::state() const { return {{}, {{"best", best_}, {"waited", static_cast<double>(waited_)}}}; }

void EarlyStopping::load_state(const CallbackState& state) {
  best_ = state.numbers.at("best");
  waited_ = static_cast<int64_t>(state.numbers.at("waited"));
}

}  // namespace gw
