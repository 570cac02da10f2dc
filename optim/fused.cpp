// The fused path of Optimizer: recognises the usual combinations of stats and steppers, works out in double what is the
// same for all elements, and leaves the rest to one kernel.
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

math::SgdHypers sgd_row(const Hypers& h, bool decoupled, bool has_momentum, bool first) {
  const double decay = weight_decay_of(h);
  math::SgdHypers row{};
  row.lr = static_cast<float>(h.at("lr"));
  row.l2 = decoupled ? 0.0f : static_cast<float>(decay);
  row.decay = decoupled ? static_cast<float>(1 - h.at("lr") * decay) : 1.0f;
  if (!has_momentum) return row;
  const bool nesterov = h.at("nesterov") != 0;
  row.momentum = static_cast<float>(h.at("momentum"));
  row.dampened = first ? 1.0f : static_cast<float>(1 - h.at("dampening"));
  row.buffer_weight = nesterov ? row.momentum : 1.0f;
  row.gradient_weight = nesterov ? 1.0f : 0.0f;
  return row;
}

math::AdamHypers adam_row(const Hypers& h, bool decoupled, double step) {
  const double beta1 = h.at("beta1"), beta2 = h.at("beta2"), lr = h.at("lr"), decay = weight_decay_of(h);
  math::AdamHypers row{};
  row.step_size = static_cast<float>(lr / (1 - std::pow(beta1, step)));
  row.one_minus_beta1 = static_cast<float>(1 - beta1);
  row.beta2 = static_cast<float>(beta2);
  row.one_minus_beta2 = static_cast<float>(1 - beta2);
  row.rsqrt_correction2 = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, step)));
  row.eps = static_cast<float>(h.at("eps"));
  row.l2 = decoupled ? 0.0f : static_cast<float>(decay);
  row.decay = decoupled ? static_cast<float>(1 - lr * decay) : 1.0f;
  return row;
}

/// The rows of the hypers tensor: one for each group and count of steps, which is one a group unless some of its
/// parameters went without a gradient for a while.
template <class Row>
class RowTable {
 public:
  template <class MakeRow>
  int64_t find_or_add(size_t group, double step, const MakeRow& make_row) {
    const auto [it, added] = index_.try_emplace({group, step}, static_cast<int64_t>(rows_.size()));
    if (added) rows_.push_back(make_row());
    return it->second;
  }

  /// Copies the rows to the start of `hypers`, which is made anew only if it is too short: a recorded launch keeps its
  /// address.
  void write(Tensor& hypers, Device device) const {
    const auto count = static_cast<int64_t>(rows_.size());
    constexpr int64_t fields = sizeof(Row) / sizeof(float);
    if (!hypers.defined() || hypers.size(0) < count) hypers = empty({count, fields}, {.device = device});
    const Tensor host = empty({count, fields});
    std::memcpy(host.raw(), rows_.data(), rows_.size() * sizeof(Row));
    hypers.slice(0, 0, count).copy_(host);
  }

 private:
  std::map<std::pair<size_t, double>, int64_t> index_;
  std::vector<Row> rows_;
};

}  // namespace

std::optional<Optimizer::Fused> Optimizer::find_fused() const {
  const auto stats_are = [&](const std::vector<Stat>& wanted) {
    if (stats_.size() != wanted.size()) return false;
    for (size_t i = 0; i < wanted.size(); ++i)
      if (!is(stats_[i], wanted[i])) return false;
    return true;
  };
  const auto steps_by = [&](const Stepper& wanted) {
    return !steppers_.empty() && steppers_.size() <= 2 && is(steppers_.back(), wanted);
  };
  Fused fused{};
  if (steppers_.size() == 2) {
    fused.decoupled = is(steppers_[0], weight_decay());
    if (!fused.decoupled && !is(steppers_[0], l2_reg())) return {};
  }
  if (stats_are({}) && steps_by(sgd_step()))
    fused.kind = FusedKind::sgd;
  else if (stats_are({average_grad()}) && steps_by(momentum_step()))
    fused.kind = FusedKind::momentum;
  else if (stats_are({damped_average_grad(), average_squared_grad(), step_count()}) && steps_by(adam_step()))
    fused.kind = FusedKind::adam;
  else
    return {};
  return fused;
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
  RowTable<math::SgdHypers> sgd_rows;
  RowTable<math::AdamHypers> adam_rows;
  const auto [kind, decoupled] = *fused_;
  fused_rows_.clear();
  for (const auto& [g, i] : fused_params_) {
    const Hypers& h = groups_[g].hypers;
    ParamState& state = states_[g][i];
    if (kind == FusedKind::adam) {
      const double step = ++state.numbers["step"];
      fused_rows_.push_back(adam_rows.find_or_add(g, step, [&] { return adam_row(h, decoupled, step); }));
    } else {
      const bool momentum = kind == FusedKind::momentum;
      const bool first = momentum && !state.tensors.contains("momentum_buffer");
      fused_rows_.push_back(sgd_rows.find_or_add(g, first, [&] { return sgd_row(h, decoupled, momentum, first); }));
    }
  }
  const auto [g, i] = fused_params_.front();
  const Device device = groups_[g].params[i].device();
  if (kind == FusedKind::adam)
    adam_rows.write(fused_hypers_, device);
  else
    sgd_rows.write(fused_hypers_, device);
}

void Optimizer::launch_step() {
  const NoGrad no_grad;
  std::vector<OptimizerTensors> tensors;
  for (size_t k = 0; k < fused_params_.size(); ++k) {
    const auto [g, i] = fused_params_[k];
    const Tensor& param = groups_[g].params[i];
    ParamState& state = states_[g][i];
    OptimizerTensors t{param, grad_like(param), {}, {}, fused_rows_[k]};
    if (fused_->kind == FusedKind::adam) {
      t.average = tensor_of(state, "exp_avg", param);
      t.average_squared = tensor_of(state, "exp_avg_sq", param);
    } else if (fused_->kind == FusedKind::momentum) {
      t.average = tensor_of(state, "momentum_buffer", param);
    }
    tensors.push_back(std::move(t));
  }
  if (fused_->kind == FusedKind::adam)
    kernels::adam_step(tensors, fused_hypers_);
  else
    kernels::sgd_step(tensors, fused_hypers_);
}

}  // namespace gw
