#include "train/lr_finder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "train/smooth.h"

namespace gw {
namespace {

void check_options(const LRFinderOptions& o) {
  if (!(o.start_lr > 0) || !(o.gamma > 1) || !(o.max_multiple > 1) || !(o.end_lr > o.start_lr) || o.max_epochs < 1)
    throw ConfigError(
        fmt::format("lr finder: expected 0 < start_lr < end_lr, gamma and max_multiple above 1 and at least one epoch, "
                    "got {}, {}, {}, {} and {}",
                    o.start_lr, o.end_lr, o.gamma, o.max_multiple, o.max_epochs));
}

}  // namespace

void LRFinder::before_fit(Learner&) {
  check_options(options_);
  waiting_.clear();
  lrs_.clear();
  losses_.clear();
  ended_ = false;
}

void LRFinder::before_batch(Learner& learner) {
  if (!learner.training) return;
  const double lr = options_.start_lr * std::pow(options_.gamma, static_cast<double>(learner.step));
  learner.optimizer->set_hyper("lr", lr);
}

void LRFinder::after_batch(Learner& learner) {
  if (!learner.training) return;
  constexpr size_t kBetweenChecks = 8;
  const double lr = learner.optimizer->hyper("lr");
  waiting_.emplace_back(lr, learner.loss.detach());
  const bool last = lr * options_.gamma > options_.end_lr;
  if ((last || waiting_.size() >= kBetweenChecks) && (check() || last)) throw CancelFit{};
}

void LRFinder::after_fit(Learner&) { check(); }

bool LRFinder::check() {
  for (const auto& [lr, loss] : std::exchange(waiting_, {})) {
    if (ended_) break;
    const double value = loss.item();
    const double smallest = losses_.empty() ? value : *std::min_element(losses_.begin(), losses_.end());
    ended_ = !std::isfinite(value) || value > options_.max_multiple * smallest;
    if (!std::isfinite(value)) break;
    lrs_.push_back(lr);
    losses_.push_back(value);
  }
  return ended_;
}

LRFinderResult LRFinder::result() const {
  constexpr int kReach = 3;
  constexpr double kBelowLowest = 10;
  LRFinderResult out{lrs_, losses_, smooth(losses_, kReach), 0};
  if (lrs_.empty()) throw Error("lr finder: the loss of the first step was not a number already");
  const auto lowest = std::min_element(out.smoothed.begin(), out.smoothed.end()) - out.smoothed.begin();
  out.suggested_lr = lrs_[static_cast<size_t>(lowest)] / kBelowLowest;
  return out;
}

LRFinderResult find_lr(Learner& learner, const LRFinderOptions& options) {
  check_options(options);
  NamedTensors weights;
  for (const auto& [name, t] : learner.model->state_dict()) weights.emplace_back(name, t.clone());
  const PhiloxState generator = default_generator().state();
  const auto finder = std::make_shared<LRFinder>(options);
  learner.fit(options.max_epochs,
              {.valid = false, .lr = options.start_lr, .callbacks = {finder}, .own_callbacks = false});
  learner.model->load_state_dict(weights);
  default_generator().set_state(generator);
  return finder->result();
}

}  // namespace gw
