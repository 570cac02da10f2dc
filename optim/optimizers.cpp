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

void require_share(const char* optimizer, const char* expected, double value) {
  require(value >= 0 && value < 1, optimizer, expected, value);
}

/// Of the options that Adam and LAMB share.
template <class Options>
void check_adam(const char* name, const Options& o, double weight_decay) {
  require(o.lr >= 0, name, "lr of at least 0", o.lr);
  require_share(name, "beta1 in [0, 1)", o.beta1);
  require_share(name, "beta2 in [0, 1)", o.beta2);
  require(o.eps >= 0, name, "eps of at least 0", o.eps);
  require(weight_decay >= 0, name, "weight_decay of at least 0", weight_decay);
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
  check_adam("adam", o, o.weight_decay.value_or(0));
  return make_adam(std::move(groups), o, l2_reg(), 0);
}

Optimizer adamw(std::vector<ParamGroup> groups, const AdamOptions& o) {
  check_adam("adamw", o, o.weight_decay.value_or(0));
  return make_adam(std::move(groups), o, weight_decay(), 0.01);
}

Optimizer rmsprop(std::vector<ParamGroup> groups, const RmspropOptions& o) {
  require(o.lr >= 0, "rmsprop", "lr of at least 0", o.lr);
  require_share("rmsprop", "alpha in [0, 1)", o.alpha);
  require(o.eps >= 0, "rmsprop", "eps of at least 0", o.eps);
  require(o.weight_decay >= 0, "rmsprop", "weight_decay of at least 0", o.weight_decay);
  require(o.momentum >= 0, "rmsprop", "momentum of at least 0", o.momentum);
  std::vector<Stat> stats = {average_squared_grad()};
  Hypers hypers = {{"lr", o.lr}, {"beta2", o.alpha}, {"eps", o.eps}, {"weight_decay", o.weight_decay}};
  if (o.centred) stats.push_back(centred_average_grad());
  if (o.momentum > 0) {
    stats.push_back(average_scaled_grad());
    hypers["momentum"] = o.momentum;
  }
  return Optimizer(std::move(groups), std::move(stats), {l2_reg(), rmsprop_step()}, hypers, {.fused = o.fused});
}

Optimizer lamb(std::vector<ParamGroup> groups, const LambOptions& o) {
  check_adam("lamb", o, o.weight_decay);
  return Optimizer(
      std::move(groups), {damped_average_grad(), average_squared_grad(), step_count()}, {lamb_step()},
      {{"lr", o.lr}, {"beta1", o.beta1}, {"beta2", o.beta2}, {"eps", o.eps}, {"weight_decay", o.weight_decay}},
      {.fused = o.fused});
}

Optimizer lars(std::vector<ParamGroup> groups, const LarsOptions& o) {
  require(o.lr >= 0, "lars", "lr of at least 0", o.lr);
  require(o.momentum >= 0, "lars", "momentum of at least 0", o.momentum);
  require(o.weight_decay >= 0, "lars", "weight_decay of at least 0", o.weight_decay);
  require(o.trust >= 0, "lars", "trust of at least 0", o.trust);
  return Optimizer(std::move(groups), {average_grad()}, {lars_gradient(), average_step()},
                   {{"lr", o.lr}, {"momentum", o.momentum}, {"weight_decay", o.weight_decay}, {"trust", o.trust}},
                   {.fused = o.fused});
}

Optimizer sgd(std::vector<Tensor> params, const SgdOptions& o) { return sgd(one_group(std::move(params)), o); }
Optimizer adam(std::vector<Tensor> params, const AdamOptions& o) { return adam(one_group(std::move(params)), o); }
Optimizer adamw(std::vector<Tensor> params, const AdamOptions& o) { return adamw(one_group(std::move(params)), o); }
Optimizer rmsprop(std::vector<Tensor> params, const RmspropOptions& o) {
  return rmsprop(one_group(std::move(params)), o);
}
Optimizer lamb(std::vector<Tensor> params, const LambOptions& o) { return lamb(one_group(std::move(params)), o); }
Optimizer lars(std::vector<Tensor> params, const LarsOptions& o) { return lars(one_group(std::move(params)), o); }

}  // namespace gw
