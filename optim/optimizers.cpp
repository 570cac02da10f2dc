#include "optim/optimizers.h"

#include <fmt/format.h>

#include "optim/stats.h"
#include "optim/steppers.h"

namespace gw {
namespace {

std::vector<ParamGroup> one_group(std::vector<Tensor> params) {
  std::vector<ParamGroup> groups(1);
  groups[0].params = std::move(params);
  return groups;
}

void require(bool ok, const char* optimizer, const char* expected, double value) {
  if (!ok) throw ConfigError(fmt::format("{}: expected {}, got {}", optimizer, expected, value));
}

void check(const char* name, const AdamOptions& o) {
  require(o.lr >= 0, name, "lr of at least 0", o.lr);
  require(o.beta1 >= 0 && o.beta1 < 1, name, "beta1 in [0, 1)", o.beta1);
  require(o.beta2 >= 0 && o.beta2 < 1, name, "beta2 in [0, 1)", o.beta2);
  require(o.eps >= 0, name, "eps of at least 0", o.eps);
  require(o.weight_decay.value_or(0) >= 0, name, "weight_decay of at least 0", o.weight_decay.value_or(0));
}

Optimizer make_adam(std::vector<ParamGroup> groups, const AdamOptions& o, Stepper decay, double default_decay) {
  return Optimizer(std::move(groups), {damped_average_grad(), average_squared_grad(), step_count()},
                   {std::move(decay), adam_step()},
                   {{"lr", o.lr},
                    {"beta1", o.beta1},
                    {"beta2", o.beta2},
                    {"eps", o.eps},
                    {"weight_decay", o.weight_decay.value_or(default_decay)}},
                   {.fused = o.fused});
}

}  // namespace

Optimizer sgd(std::vector<ParamGroup> groups, const SgdOptions& o) {
  require(o.lr >= 0, "sgd", "lr of at least 0", o.lr);
  require(o.momentum >= 0, "sgd", "momentum of at least 0", o.momentum);
  require(o.weight_decay >= 0, "sgd", "weight_decay of at least 0", o.weight_decay);
  require(!o.nesterov || o.momentum > 0, "sgd", "momentum above 0 with nesterov", o.momentum);
  require(!o.nesterov || o.dampening == 0, "sgd", "dampening 0 with nesterov", o.dampening);
  const Hypers plain = {{"lr", o.lr}, {"weight_decay", o.weight_decay}};
  if (o.momentum == 0) return Optimizer(std::move(groups), {}, {l2_reg(), sgd_step()}, plain, {.fused = o.fused});
  Hypers hypers = plain;
  hypers.insert({{"momentum", o.momentum}, {"dampening", o.dampening}, {"nesterov", o.nesterov ? 1 : 0}});
  return Optimizer(std::move(groups), {average_grad()}, {l2_reg(), momentum_step()}, hypers, {.fused = o.fused});
}

Optimizer adam(std::vector<ParamGroup> groups, const AdamOptions& o) {
  check("adam", o);
  return make_adam(std::move(groups), o, l2_reg(), 0);
}

Optimizer adamw(std::vector<ParamGroup> groups, const AdamOptions& o) {
  check("adamw", o);
  return make_adam(std::move(groups), o, weight_decay(), 0.01);
}

Optimizer sgd(std::vector<Tensor> params, const SgdOptions& o) { return sgd(one_group(std::move(params)), o); }
Optimizer adam(std::vector<Tensor> params, const AdamOptions& o) { return adam(one_group(std::move(params)), o); }
Optimizer adamw(std::vector<Tensor> params, const AdamOptions& o) { return adamw(one_group(std::move(params)), o); }

}  // namespace gw
