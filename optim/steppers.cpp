#include "optim/steppers.h"

#include <cmath>

#include "autograd/arithmetic.h"
#include "kernels/math/optimizer.h"
#include "optim/stats.h"
#include "tensor/creation.h"

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

/// sqrt(v') + eps, where v' is v without the bias towards its start at zero.
Tensor adam_denominator(const ParamState& state, const Hypers& h) {
  const double correction2 = 1 - std::pow(h.at("beta2"), state.numbers.at("step"));
  return state.tensors.at("exp_avg_sq").sqrt() * (1 / std::sqrt(correction2)) + h.at("eps");
}

double adam_correction1(const ParamState& state, const Hypers& h) {
  return 1 - std::pow(h.at("beta1"), state.numbers.at("step"));
}

void take_adam_step(Tensor& param, Tensor&, const ParamState& state, const Hypers& h) {
  param.add_(state.tensors.at("exp_avg") / adam_denominator(state, h), -h.at("lr") / adam_correction1(state, h));
}

void take_rmsprop_step(Tensor& param, Tensor& grad, const ParamState& state, const Hypers& h) {
  const auto average = state.tensors.find("momentum_buffer");
  const bool has_momentum = average != state.tensors.end();
  param.add_(has_momentum ? average->second : grad / root_of_squares(state, h), -h.at("lr"));
}

Tensor norm_of(const Tensor& t) { return (t * t).sum().sqrt(); }

/// `ratio`, on the device as it is, or 1 where either norm is zero.
Tensor trust_or_one(const Tensor& a, const Tensor& b, const Tensor& ratio) {
  return where((a > 0) * (b > 0), ratio, ones_like(ratio));
}

void take_lamb_step(Tensor& param, Tensor&, const ParamState& state, const Hypers& h) {
  const Tensor adam = state.tensors.at("exp_avg") / adam_denominator(state, h) * (1 / adam_correction1(state, h));
  const Tensor step = adam + param * h.at("weight_decay"), r1 = norm_of(param), r2 = norm_of(step);
  param.add_(step * trust_or_one(r1, r2, (r1 / r2).clamp({}, math::kLambMostTrust)), -h.at("lr"));
}

void scale_gradient_by_lars(Tensor& param, Tensor& grad, const ParamState&, const Hypers& h) {
  const double decay = h.at("weight_decay");
  const Tensor p = norm_of(param), g = norm_of(grad);
  grad = (grad + param * decay) * (trust_or_one(p, g, p * h.at("trust") / (g + p * decay)) * h.at("lr"));
}

void take_average_step(Tensor& param, Tensor&, const ParamState& state, const Hypers&) {
  param.sub_(state.tensors.at("momentum_buffer"));
}

}  // namespace

Stepper sgd_step() { return {{{"lr", 1e-3}}, take_sgd_step}; }
Stepper weight_decay() { return {{{"lr", 1e-3}, {"weight_decay", 0}}, decay_weight}; }
Stepper l2_reg() { return {{{"weight_decay", 0}}, add_l2_gradient, /*before_stats=*/true}; }
Stepper momentum_step() { return {{{"lr", 1e-3}, {"momentum", 0.9}, {"nesterov", 0}}, take_momentum_step}; }
Stepper adam_step() { return {{{"lr", 1e-3}, {"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}}, take_adam_step}; }
Stepper rmsprop_step() { return {{{"lr", 1e-2}, {"eps", 1e-8}}, take_rmsprop_step}; }
Stepper lamb_step() {
  return {{{"lr", 1e-3}, {"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-6}, {"weight_decay", 0}}, take_lamb_step};
}
Stepper lars_gradient() {
  return {{{"lr", 0.1}, {"trust", 1e-3}, {"weight_decay", 0}}, scale_gradient_by_lars, /*before_stats=*/true};
}
Stepper average_step() { return {{}, take_average_step}; }

}  // namespace gw
