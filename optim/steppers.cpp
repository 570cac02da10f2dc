#include "optim/steppers.h"

#include <cmath>

namespace gw {
namespace {

void take_sgd_step(Tensor& param, Tensor& grad, const ParamState&, const Hypers& h) { param.add_(grad, -h.at("lr")); }

void decay_weight(Tensor& param, Tensor&, const ParamState&, const Hypers& h) {
  if (h.at("weight_decay") != 0) param.mul_(1 - h.at("lr") * h.at("weight_decay"));
}

void add_l2_gradient(Tensor& param, Tensor& grad, const ParamState&, const Hypers& h) {
  if (h.at("weight_decay") != 0) grad = grad + param * h.at("weight_decay");
}

void take_momentum_step(Tensor& param, Tensor& grad, const ParamState& state, const Hypers& h) {
  const Tensor& average = state.tensors.at("momentum_buffer");
  const bool nesterov = h.at("nesterov") != 0;
  param.add_(nesterov ? grad + average * h.at("momentum") : average, -h.at("lr"));
}

void take_adam_step(Tensor& param, Tensor&, const ParamState& state, const Hypers& h) {
  const double t = state.numbers.at("step");
  const double correction1 = 1 - std::pow(h.at("beta1"), t), correction2 = 1 - std::pow(h.at("beta2"), t);
  const Tensor denominator = state.tensors.at("exp_avg_sq").sqrt() * (1 / std::sqrt(correction2)) + h.at("eps");
  param.add_(state.tensors.at("exp_avg") / denominator, -h.at("lr") / correction1);
}

}  // namespace

Stepper sgd_step() { return {{{"lr", 1e-3}}, take_sgd_step}; }
Stepper weight_decay() { return {{{"lr", 1e-3}, {"weight_decay", 0}}, decay_weight}; }
Stepper l2_reg() { return {{{"weight_decay", 0}}, add_l2_gradient, /*before_stats=*/true}; }
Stepper momentum_step() { return {{{"lr", 1e-3}, {"momentum", 0.9}, {"nesterov", 0}}, take_momentum_step}; }
Stepper adam_step() { return {{{"lr", 1e-3}, {"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}}, take_adam_step}; }

}  // namespace gw
