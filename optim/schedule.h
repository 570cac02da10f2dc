// Schedules: hyper-parameters as a function of the step, counted from 0. Small values without state, so that any step
// can be asked for at any time and a resumed run needs nothing but its step.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "optim/optimizer.h"

namespace gw {

/// The hyper-parameters that a step trains with, by name: schedule(step) -> {{"lr", ...}, {"beta1", ...}}.
using Schedule = std::function<Hypers(int64_t step)>;

/// Hands a schedule's values for `step` to an optimizer. A schedule's "momentum" is beta1 for an optimizer that has
/// that instead, and passes by one that has neither.
void apply_schedule(const Schedule& schedule, int64_t step, Optimizer& optimizer);

enum class Anneal { cosine, linear };

/// From `start` at fraction 0 to `end` at fraction 1.
double anneal(Anneal kind, double start, double end, double fraction);

/// The one-cycle policy (Smith and Topin, "Super-convergence", 2018), equal to PyTorch's OneCycleLR: lr rises from
/// max_lr / div_factor to max_lr over the first pct_start of the steps, then falls to max_lr / div_factor /
/// final_div_factor; momentum falls and rises against it.
struct OneCycle {
  double max_lr;
  int64_t total_steps;
  double pct_start = 0.3;
  Anneal strategy = Anneal::cosine;
  bool cycle_momentum = true;
  double base_momentum = 0.85;
  double max_momentum = 0.95;
  double div_factor = 25;
  double final_div_factor = 1e4;

  double lr(int64_t step) const;
  double momentum(int64_t step) const;
  /// "lr", and "momentum" if it is cycled. ConfigError for a step outside of [0, total_steps).
  Hypers operator()(int64_t step) const;

 private:
  double at(int64_t step, double start, double peak, double end) const;
};

/// eta_min + (base_lr - eta_min) (1 + cos(pi step / t_max)) / 2 (Loshchilov and Hutter, "SGDR", 2016; PyTorch's
/// CosineAnnealingLR). Rises again beyond t_max.
struct CosineAnnealing {
  double base_lr;
  int64_t t_max;
  double eta_min = 0;

  double lr(int64_t step) const;
  Hypers operator()(int64_t step) const { return {{"lr", lr(step)}}; }
};

/// Cosine annealing that starts anew after t_0 steps, then after t_0 t_mult, t_0 t_mult^2, ... (PyTorch's
/// CosineAnnealingWarmRestarts).
struct CosineAnnealingWarmRestarts {
  double base_lr;
  int64_t t_0;
  int64_t t_mult = 1;
  double eta_min = 0;

  double lr(int64_t step) const;
  /// True for the last step of a cycle.
  bool ends_cycle(int64_t step) const;
  Hypers operator()(int64_t step) const { return {{"lr", lr(step)}}; }

 private:
  struct Position {
    int64_t step, period;  ///< within a cycle, and its length
  };
  Position position(int64_t step) const;
};

/// base_lr gamma^step (PyTorch's ExponentialLR).
struct Exponential {
  double base_lr;
  double gamma;

  double lr(int64_t step) const;
  Hypers operator()(int64_t step) const { return {{"lr", lr(step)}}; }
};

}  // namespace gw
