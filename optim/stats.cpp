#include "optim/stats.h"

#include "tensor/creation.h"

namespace gw {
namespace {

/// The statistic of that name, zero before the first step.
Tensor& tensor_of(ParamState& state, const char* name, const Tensor& param) {
  Tensor& t = state.tensors[name];
  if (!t.defined()) t = zeros_like(param);
  return t;
}

void update_average_grad(ParamState& state, const Tensor& param, const Tensor& grad, const Hypers& h) {
  const bool first = !state.tensors.contains("momentum_buffer");
  Tensor& average = tensor_of(state, "momentum_buffer", param);
  average.mul_(h.at("momentum")).add_(grad, first ? 1 : 1 - h.at("dampening"));
}

void update_damped_average_grad(ParamState& state, const Tensor& param, const Tensor& grad, const Hypers& h) {
  tensor_of(state, "exp_avg", param).mul_(h.at("beta1")).add_(grad, 1 - h.at("beta1"));
}

void update_average_squared_grad(ParamState& state, const Tensor& param, const Tensor& grad, const Hypers& h) {
  tensor_of(state, "exp_avg_sq", param).mul_(h.at("beta2")).add_(grad * grad, 1 - h.at("beta2"));
}

void update_centred_average_grad(ParamState& state, const Tensor& param, const Tensor& grad, const Hypers& h) {
  tensor_of(state, "grad_avg", param).mul_(h.at("beta2")).add_(grad, 1 - h.at("beta2"));
}

void update_average_scaled_grad(ParamState& state, const Tensor& param, const Tensor& grad, const Hypers& h) {
  tensor_of(state, "momentum_buffer", param).mul_(h.at("momentum")).add_(grad / root_of_squares(state, h));
}

void update_step_count(ParamState& state, const Tensor&, const Tensor&, const Hypers&) { ++state.numbers["step"]; }

}  // namespace

Tensor root_of_squares(const ParamState& state, const Hypers& h) {
  Tensor squares = state.tensors.at("exp_avg_sq");
  if (const auto mean = state.tensors.find("grad_avg"); mean != state.tensors.end())
    squares = squares - mean->second * mean->second;
  return squares.sqrt() + h.at("eps");
}

Stat average_grad() { return {{{"momentum", 0.9}, {"dampening", 0}}, update_average_grad}; }
Stat damped_average_grad() { return {{{"beta1", 0.9}}, update_damped_average_grad}; }
Stat average_squared_grad() { return {{{"beta2", 0.999}}, update_average_squared_grad}; }
Stat centred_average_grad() { return {{{"beta2", 0.99}}, update_centred_average_grad}; }
Stat average_scaled_grad() { return {{{"momentum", 0.9}, {"eps", 1e-8}}, update_average_scaled_grad}; }
Stat step_count() { return {{}, update_step_count}; }

}  // namespace gw
