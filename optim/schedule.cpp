#include "optim/schedule.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace gw {

void apply_schedule(const Schedule& schedule, int64_t step, Optimizer& optimizer) {
  for (const auto& [name, value] : schedule(step)) {
    const bool has_momentum = optimizer.has_hyper("momentum") || optimizer.has_hyper("beta1");
    if (name == "momentum" && !has_momentum) continue;
    optimizer.set_hyper(name == "momentum" && !optimizer.has_hyper("momentum") ? "beta1" : name, value);
  }
}

double anneal(Anneal kind, double start, double end, double fraction) {
  if (kind == Anneal::linear) return (end - start) * fraction + start;
  return end + (start - end) / 2 * (std::cos(std::numbers::pi * fraction) + 1);
}

double OneCycle::at(int64_t step, double start, double peak, double end) const {
  if (total_steps < 1 || step < 0 || step >= total_steps)
    throw ConfigError(fmt::format("OneCycle: step {} is not among the {} of the cycle", step, total_steps));
  const double turn = pct_start * static_cast<double>(total_steps) - 1, last = static_cast<double>(total_steps) - 1;
  const auto now = static_cast<double>(step);
  if (now <= turn) return turn > 0 ? anneal(strategy, start, peak, now / turn) : peak;
  return last > turn ? anneal(strategy, peak, end, (now - turn) / (last - turn)) : end;
}

double OneCycle::lr(int64_t step) const {
  const double initial = max_lr / div_factor;
  return at(step, initial, max_lr, initial / final_div_factor);
}

double OneCycle::momentum(int64_t step) const { return at(step, max_momentum, base_momentum, max_momentum); }

Hypers OneCycle::operator()(int64_t step) const {
  Hypers hypers = {{"lr", lr(step)}};
  if (cycle_momentum) hypers["momentum"] = momentum(step);
  return hypers;
}

double CosineAnnealing::lr(int64_t step) const {
  return anneal(Anneal::cosine, base_lr, eta_min, static_cast<double>(step) / static_cast<double>(t_max));
}

CosineAnnealingWarmRestarts::Position CosineAnnealingWarmRestarts::position(int64_t step) const {
  if (t_0 < 1 || t_mult < 1)
    throw ConfigError(
        fmt::format("CosineAnnealingWarmRestarts: expected t_0 and t_mult of at least 1, got {} and {}", t_0, t_mult));
  int64_t period = t_0;
  if (t_mult == 1) step %= period;
  while (step >= period) {
    step -= period;
    period *= t_mult;
  }
  return {step, period};
}

double CosineAnnealingWarmRestarts::lr(int64_t step) const {
  const Position at = position(step);
  return anneal(Anneal::cosine, base_lr, eta_min, static_cast<double>(at.step) / static_cast<double>(at.period));
}

bool CosineAnnealingWarmRestarts::ends_cycle(int64_t step) const {
  const Position at = position(step);
  return at.step + 1 == at.period;
}

double Exponential::lr(int64_t step) const { return base_lr * std::pow(gamma, static_cast<double>(step)); }

}  // namespace gw
