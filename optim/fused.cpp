// The fused path of Optimizer: recognises the usual combinations of stats and steppers, works out in double what is the
// same for all elements, and leaves the rest to one kernel.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "autograd/autograd.h"
#include "kernels/optimizer.h"
#include "optim/stats.h"
#include "optim/steppers.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using kernels::OptimizerTensors;

/// True if both hold the same plain function.
template <class Result, class... Args>
bool same_function(const std::function<Result(Args...)>& a, const std::function<Result(Args...)>& b) {
  using Function = Result (*)(Args...);
  const Function* const f = a.template target<Function>();
  const Function* const g = b.template target<Function>();
  return f && g && *f == *g;
}

bool is(const Stat& a, const Stat& b) { return same_function(a.update, b.update); }
bool is(const Stepper& a, const Stepper& b) { return same_function(a.step, b.step); }

/// Whether the kernel's walk over flat memory fits the parameter.
bool can_fuse(const Tensor& param) { return param.dtype() == DType::f32 && param.is_dense(); }

/// The gradient in the layout of its parameter, which it has already unless somebody set it by hand.
Tensor grad_like(const Tensor& param) {
  const Tensor grad = param.grad();
  if (grad.strides() == param.strides() && grad.dtype() == param.dtype()) return grad;
  return empty_like(param).copy_(grad);
}

Tensor tensor_of(ParamState& state, const char* name, const Tensor& param) {
  Tensor& t = state.tensors[name];
  if (!t.defined()) t = zeros_like(param);
  return t;
}

double weight_decay_of(const Hypers& h) { return h.contains("weight_decay") ? h.at("weight_decay") : 0; }

/// A row of the hypers tensor.
using Row = std::vector<float>;

template <class Fields>
Row row_of(const Fields& fields) {
  Row row(sizeof(Fields) / sizeof(float));
  std::memcpy(row.data(), &fields, sizeof(Fields));
  return row;
}

// Every function that makes a row gets the hypers, whether weight decay is decoupled, and how many steps the parameter
// has taken with this one; methods that do not count them get 1 in a parameter's first step and 2 in the others.

float l2_of(const Hypers& h, bool decoupled) { return decoupled ? 0.0f : static_cast<float>(weight_decay_of(h)); }
float decay_of(const Hypers& h, bool decoupled) {
  return decoupled ? static_cast<float>(1 - h.at("lr") * weight_decay_of(h)) : 1.0f;
}
float dampened_of(const Hypers& h, double step) { return step == 1 ? 1.0f : static_cast<float>(1 - h.at("dampening")); }

Row sgd_row(const Hypers& h, bool decoupled, double) {
  math::SgdHypers row{};
  row.lr = static_cast<float>(h.at("lr"));
  row.l2 = l2_of(h, decoupled);
  row.decay = decay_of(h, decoupled);
  return row_of(row);
}

Row momentum_row(const Hypers& h, bool decoupled, double step) {
  const bool nesterov = h.at("nesterov") != 0;
  const auto momentum = static_cast<float>(h.at("momentum"));
  return row_of(math::SgdHypers{.lr = static_cast<float>(h.at("lr")),
                                .momentum = momentum,
                                .dampened = dampened_of(h, step),
                                .buffer_weight = nesterov ? momentum : 1.0f,
                                .gradient_weight = nesterov ? 1.0f : 0.0f,
                                .l2 = l2_of(h, decoupled),
                                .decay = decay_of(h, decoupled)});
}

Row adam_row(const Hypers& h, bool decoupled, double step) {
  const double beta1 = h.at("beta1"), beta2 = h.at("beta2");
  return row_of(math::AdamHypers{.step_size = static_cast<float>(h.at("lr") / (1 - std::pow(beta1, step))),
                                 .one_minus_beta1 = static_cast<float>(1 - beta1),
                                 .beta2 = static_cast<float>(beta2),
                                 .one_minus_beta2 = static_cast<float>(1 - beta2),
                                 .rsqrt_correction2 = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, step))),
                                 .eps = static_cast<float>(h.at("eps")),
                                 .l2 = l2_of(h, decoupled),
                                 .decay = decay_of(h, decoupled)});
}

Row rmsprop_row(const Hypers& h, bool decoupled, double) {
  const double alpha = h.at("beta2");
  const bool has_momentum = h.contains("momentum");
  return row_of(math::RmsPropHypers{.lr = static_cast<float>(h.at("lr")),
                                    .alpha = static_cast<float>(alpha),
                                    .one_minus_alpha = static_cast<float>(1 - alpha),
                                    .eps = static_cast<float>(h.at("eps")),
                                    .momentum = has_momentum ? static_cast<float>(h.at("momentum")) : 0.0f,
                                    .l2 = l2_of(h, decoupled),
                                    .decay = decay_of(h, decoupled)});
}

Row lamb_row(const Hypers& h, bool, double step) {
  const double beta1 = h.at("beta1"), beta2 = h.at("beta2");
  return row_of(math::LambHypers{.lr = static_cast<float>(h.at("lr")),
                                 .one_minus_beta1 = static_cast<float>(1 - beta1),
                                 .beta2 = static_cast<float>(beta2),
                                 .one_minus_beta2 = static_cast<float>(1 - beta2),
                                 .correction1 = static_cast<float>(1 / (1 - std::pow(beta1, step))),
                                 .rsqrt_correction2 = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, step))),
                                 .eps = static_cast<float>(h.at("eps")),
                                 .weight_decay = static_cast<float>(weight_decay_of(h))});
}

Row lars_row(const Hypers& h, bool, double step) {
  return row_of(math::LarsHypers{.lr = static_cast<float>(h.at("lr")),
                                 .trust = static_cast<float>(h.at("trust")),
                                 .momentum = static_cast<float>(h.at("momentum")),
                                 .dampened = dampened_of(h, step),
                                 .weight_decay = static_cast<float>(weight_decay_of(h))});
}

/// The rows of the hypers tensor: one for each group and count of steps, which is one a group unless some of its
/// parameters went without a gradient for a while.
class RowTable {
 public:
  template <class MakeRow>
  int64_t find_or_add(size_t group, double step, const MakeRow& make_row) {
    const auto [it, added] = index_.try_emplace({group, step}, static_cast<int64_t>(index_.size()));
    if (added) {
      const Row row = make_row();
      values_.insert(values_.end(), row.begin(), row.end());
    }
    return it->second;
  }

  /// Copies the rows to the start of `hypers`, which is made anew only if it is too short: a recorded launch keeps its
  /// address.
  void write(Tensor& hypers, Device device) const {
    const auto count = static_cast<int64_t>(index_.size()), fields = static_cast<int64_t>(values_.size()) / count;
    if (!hypers.defined() || hypers.size(0) < count) hypers = empty({count, fields}, {.device = device});
    const Tensor host = empty({count, fields});
    std::memcpy(host.raw(), values_.data(), values_.size() * sizeof(float));
    hypers.slice(0, 0, count).copy_(host);
  }

 private:
  std::map<std::pair<size_t, double>, int64_t> index_;
  std::vector<float> values_;
};

template <class Part>
bool are(const std::vector<Part>& found, const std::vector<Part>& wanted) {
  return std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(),
                    [](const Part& a, const Part& b) { return is(a, b); });
}

}  // namespace

/// A fused kernel, the stats and steppers that it stands for, and where it keeps its statistics.
struct Optimizer::FusedMethod {
  std::vector<Stat> stats;
  std::vector<Stepper> steppers;
  bool decays;                  // also with weight_decay() or l2_reg() before the steppers
  const char* average;          // what ParamState calls it; null if there is none
  const char* average_squared;  // likewise
  bool counts_steps;
  Row (*row)(const Hypers& hypers, bool decoupled, double step);
  void (*launch)(std::span<const OptimizerTensors> tensors, const Tensor& hypers);
};

const std::vector<Optimizer::FusedMethod>& Optimizer::fused_methods() {
  constexpr const char *kBuffer = "momentum_buffer", *kMean = "exp_avg", *kSquares = "exp_avg_sq";
  const std::vector<Stat> adam_stats = {damped_average_grad(), average_squared_grad(), step_count()};
  static const std::vector<FusedMethod> methods = {
      {{}, {sgd_step()}, true, nullptr, nullptr, false, sgd_row, kernels::sgd_step},
      {{average_grad()}, {momentum_step()}, true, kBuffer, nullptr, false, momentum_row, kernels::sgd_step},
      {adam_stats, {adam_step()}, true, kMean, kSquares, true, adam_row, kernels::adam_step},
      {{average_squared_grad()}, {rmsprop_step()}, true, nullptr, kSquares, false, rmsprop_row, kernels::rmsprop_step},
      {{average_squared_grad(), average_scaled_grad()},
       {rmsprop_step()},
       true,
       kBuffer,
       kSquares,
       false,
       rmsprop_row,
       kernels::rmsprop_step},
      {adam_stats, {lamb_step()}, false, kMean, kSquares, true, lamb_row, kernels::lamb_step},
      {{average_grad()},
       {lars_gradient(), average_step()},
       false,
       kBuffer,
       nullptr,
       false,
       lars_row,
       kernels::lars_step},
  };
  return methods;
}

std::optional<Optimizer::Fused> Optimizer::find_fused() const {
  for (const FusedMethod& method : fused_methods()) {
    if (!are(stats_, method.stats)) continue;
    if (are(steppers_, method.steppers)) return Fused{&method, false};
    if (!method.decays) continue;
    for (const bool decoupled : {false, true}) {
      std::vector<Stepper> wanted = method.steppers;
      wanted.insert(wanted.begin(), decoupled ? weight_decay() : l2_reg());
      if (are(steppers_, wanted)) return Fused{&method, decoupled};
    }
  }
  return {};
}

void Optimizer::fused_step() {
  plan_fused_step();
  if (fused_params_.empty()) return;
  begin_step();
  launch_step();
}

/// Notes the parameters that have a gradient, and steps those that the kernel cannot.
void Optimizer::plan_fused_step() {
  fused_params_.clear();
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (size_t i = 0; i < groups_[g].params.size(); ++i) {
      Tensor& param = groups_[g].params[i];
      if (!param.grad().defined()) continue;
      if (can_fuse(param))
        fused_params_.emplace_back(g, i);
      else
        composed_step(param, states_[g][i], groups_[g].hypers);
    }
  }
}

void Optimizer::begin_step() {
  if (fused_params_.empty())
    throw ConfigError("Optimizer: begin_step expected an optimizer with a fused kernel that has taken a step before");
  const auto [method, decoupled] = *fused_;
  RowTable rows;
  fused_rows_.clear();
  for (const auto& [g, i] : fused_params_) {
    const Hypers& h = groups_[g].hypers;
    ParamState& state = states_[g][i];
    const bool first = method->average && !state.tensors.contains(method->average);
    const double step = method->counts_steps ? ++state.numbers["step"] : first ? 1 : 2;
    fused_rows_.push_back(rows.find_or_add(g, step, [&] { return method->row(h, decoupled, step); }));
  }
  const auto [g, i] = fused_params_.front();
  rows.write(fused_hypers_, groups_[g].params[i].device());
}

void Optimizer::launch_step() {
  const NoGrad no_grad;
  const FusedMethod& method = *fused_->method;
  std::vector<OptimizerTensors> tensors;
  for (size_t k = 0; k < fused_params_.size(); ++k) {
    const auto [g, i] = fused_params_[k];
    const Tensor& param = groups_[g].params[i];
    ParamState& state = states_[g][i];
    OptimizerTensors t{param, grad_like(param), {}, {}, fused_rows_[k]};
    if (method.average) t.average = tensor_of(state, method.average, param);
    if (method.average_squared) t.average_squared = tensor_of(state, method.average_squared, param);
    tensors.push_back(std::move(t));
  }
  method.launch(tensors, fused_hypers_);
}

}  // namespace gw
