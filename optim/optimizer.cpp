#include "optim/optimizer.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

Hypers collect_defaults(const std::vector<Stat>& stats, const std::vector<Stepper>& steppers) {
  Hypers all;
  for (const Stat& s : stats) all.insert(s.defaults.begin(), s.defaults.end());
  for (const Stepper& s : steppers) all.insert(s.defaults.begin(), s.defaults.end());
  return all;
}

std::string names_of(const Hypers& hypers) {
  std::string names;
  for (const auto& [name, value] : hypers) names += (names.empty() ? "" : ", ") + name;
  return names;
}

[[noreturn]] void fail_unknown(const std::string& name, const Hypers& known) {
  throw ConfigError(fmt::format("Optimizer: no hyper-parameter '{}'; this optimizer has {}", name, names_of(known)));
}

void override_with(Hypers& hypers, const Hypers& values) {
  for (const auto& [name, value] : values) {
    const auto it = hypers.find(name);
    if (it == hypers.end()) fail_unknown(name, hypers);
    it->second = value;
  }
}

void check_params(const std::vector<ParamGroup>& groups) {
  std::set<const TensorImpl*> seen;
  for (const ParamGroup& group : groups) {
    for (const Tensor& p : group.params) {
      if (!p.defined()) throw ConfigError("Optimizer: a parameter is undefined");
      if (!p.is_leaf()) throw ConfigError("Optimizer: expected leaves, got the result of a recorded operation");
      if (!seen.insert(p.impl()).second)
        throw ConfigError(fmt::format("Optimizer: a parameter of shape {} is there twice", p.shape().to_string()));
    }
  }
  if (seen.empty()) throw ConfigError("Optimizer: got no parameters");
}

std::vector<ParamGroup> one_group(std::vector<Tensor> params) {
  std::vector<ParamGroup> groups(1);
  groups[0].params = std::move(params);
  return groups;
}

/// "state.12.exp_avg" as {"state", 12, "exp_avg"}.
struct StateName {
  std::string kind;
  size_t index;
  std::string name;
};

StateName parse_state_name(const std::string& text) {
  const size_t dot = text.find('.'), second = text.find('.', dot + 1);
  StateName out{text.substr(0, dot), 0, ""};
  if (dot != std::string::npos && second != std::string::npos) {
    const char* const last = text.data() + second;
    const auto [end, error] = std::from_chars(text.data() + dot + 1, last, out.index);
    if (error == std::errc{} && end == last) out.name = text.substr(second + 1);
  }
  if (out.name.empty()) throw ConfigError(fmt::format("Optimizer: '{}' is not the name of a state", text));
  return out;
}

}  // namespace

Optimizer::Optimizer(std::vector<Tensor> params, std::vector<Stat> stats, std::vector<Stepper> steppers,
                     const Hypers& hypers, OptimizerOptions options)
    : Optimizer(one_group(std::move(params)), std::move(stats), std::move(steppers), hypers, options) {}

Optimizer::Optimizer(std::vector<ParamGroup> groups, std::vector<Stat> stats, std::vector<Stepper> steppers,
                     const Hypers& hypers, OptimizerOptions options)
    : groups_(std::move(groups)), stats_(std::move(stats)), steppers_(std::move(steppers)) {
  check_params(groups_);
  Hypers common = collect_defaults(stats_, steppers_);
  override_with(common, hypers);
  for (ParamGroup& group : groups_) {
    const Hypers own = std::exchange(group.hypers, common);
    override_with(group.hypers, own);
    states_.emplace_back(group.params.size());
  }
  if (options.fused) fused_ = find_fused();
}

void Optimizer::step() {
  const NoGrad no_grad;
  if (fused_) return fused_step();
  for (size_t g = 0; g < groups_.size(); ++g)
    for (size_t i = 0; i < groups_[g].params.size(); ++i)
      composed_step(groups_[g].params[i], states_[g][i], groups_[g].hypers);
}

void Optimizer::composed_step(Tensor& param, ParamState& state, const Hypers& hypers) const {
  Tensor grad = param.grad();
  if (!grad.defined()) return;
  for (const Stepper& s : steppers_)
    if (s.before_stats) s.step(param, grad, state, hypers);
  for (const Stat& s : stats_) s.update(state, param, grad, hypers);
  for (const Stepper& s : steppers_)
    if (!s.before_stats) s.step(param, grad, state, hypers);
}

void Optimizer::zero_grad() {
  for (ParamGroup& group : groups_)
    for (Tensor& p : group.params) p.set_grad({});
}

double& Optimizer::find_hyper(const std::string& name, size_t group) {
  if (group >= groups_.size())
    throw ConfigError(fmt::format("Optimizer: no parameter group {}, there are {}", group, groups_.size()));
  const auto it = groups_[group].hypers.find(name);
  if (it == groups_[group].hypers.end()) fail_unknown(name, groups_[group].hypers);
  return it->second;
}

double Optimizer::hyper(const std::string& name, size_t group) const {
  return const_cast<Optimizer*>(this)->find_hyper(name, group);
}

void Optimizer::set_hyper(const std::string& name, double value, size_t group) { find_hyper(name, group) = value; }

void Optimizer::set_hyper(const std::string& name, double value) {
  for (size_t g = 0; g < groups_.size(); ++g) find_hyper(name, g) = value;
}

OptimizerState Optimizer::state() const {
  OptimizerState out;
  size_t index = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (const auto& [name, value] : groups_[g].hypers) out.numbers[fmt::format("groups.{}.{}", g, name)] = value;
    for (const ParamState& s : states_[g]) {
      for (const auto& [name, tensor] : s.tensors)
        out.tensors.emplace_back(fmt::format("state.{}.{}", index, name), tensor.clone());
      for (const auto& [name, value] : s.numbers) out.numbers[fmt::format("state.{}.{}", index, name)] = value;
      ++index;
    }
  }
  return out;
}

void Optimizer::load_state(const OptimizerState& state) {
  const NoGrad no_grad;
  std::vector<const Tensor*> params;
  for (const ParamGroup& group : groups_)
    for (const Tensor& p : group.params) params.push_back(&p);
  // Built aside and then put in place, so that a wrong state changes nothing.
  std::vector<ParamState> loaded(params.size());
  std::vector<Hypers> hypers(groups_.size());
  const auto param_state = [&](const StateName& n) -> ParamState& {
    if (n.kind != "state" || n.index >= loaded.size())
      throw ConfigError(fmt::format("Optimizer: a state of '{}.{}', but there are {} parameters in {} groups", n.kind,
                                    n.index, loaded.size(), hypers.size()));
    return loaded[n.index];
  };

  for (const auto& [text, tensor] : state.tensors) {
    const StateName n = parse_state_name(text);
    ParamState& s = param_state(n);
    const Tensor& param = *params[n.index];
    if (tensor.shape() != param.shape())
      throw ConfigError(fmt::format("Optimizer: the state {} has shape {}, its parameter {}", text,
                                    tensor.shape().to_string(), param.shape().to_string()));
    s.tensors[n.name] = empty_like(param).copy_(tensor);
  }
  for (const auto& [text, value] : state.numbers) {
    const StateName n = parse_state_name(text);
    if (n.kind == "groups" && n.index < hypers.size())
      hypers[n.index][n.name] = value;
    else
      param_state(n).numbers[n.name] = value;
  }
  for (size_t g = 0; g < groups_.size(); ++g)
    if (names_of(hypers[g]) != names_of(groups_[g].hypers))
      throw ConfigError(fmt::format("Optimizer: the state's group {} has the hyper-parameters ({}), expected ({})", g,
                                    names_of(hypers[g]), names_of(groups_[g].hypers)));

  auto next = loaded.begin();
  for (size_t g = 0; g < groups_.size(); ++g) {
    groups_[g].hypers = std::move(hypers[g]);
    for (ParamState& s : states_[g]) s = std::move(*next++);
  }
}

}  // namespace gw
