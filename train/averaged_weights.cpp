#include "train/averaged_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

constexpr int64_t kFields = sizeof(math::SgdHypers) / sizeof(float);

/// A step of SGD down the slope of weight_of_new / 2 |average - weight|^2, told in the kernel's terms: its gradient is
/// the weight itself, and "weight decay" of -1 makes that weight - average.
Tensor hypers_of_step(double weight_of_new) {
  math::SgdHypers hypers{};
  hypers.lr = static_cast<float>(-weight_of_new);
  hypers.l2 = -1;
  hypers.decay = 1;
  const Tensor host = empty({1, kFields});
  std::memcpy(host.raw(), &hypers, sizeof hypers);
  return host;
}

}  // namespace

AveragedWeights::AveragedWeights(double decay) : decay_(decay) {
  if (!(decay >= 0 && decay < 1))
    throw ConfigError(fmt::format("averaged weights: expected a decay of at least 0 and below 1, got {}", decay));
}

void AveragedWeights::before_fit(Learner& learner) {
  names_.clear();
  tensors_.clear();
  averages_shown_ = false;
  const NoGrad no_grad;
  for (const auto& [name, weight] : learner.model->state_dict()) {
    if (weight.dtype() != DType::f32) continue;
    names_.push_back(name);
    tensors_.push_back({weight.detach().clone(), weight.detach(), {}, {}});
  }
  hypers_ = tensors_.empty() ? Tensor() : empty({1, kFields}, {.device = tensors_.front().param.device()});
}

void AveragedWeights::after_step(Learner& learner) {
  if (tensors_.empty()) return;
  const NoGrad no_grad;
  const auto t = static_cast<double>(learner.step);
  hypers_.copy_(hypers_of_step(1 - std::min(decay_, (1 + t) / (10 + t))));
  kernels::sgd_step(tensors_, hypers_);
}

void AveragedWeights::show_averages(bool show) {
  if (show == averages_shown_) return;
  const NoGrad no_grad;
  for (kernels::OptimizerTensors& t : tensors_) {
    const Tensor ours = t.param.clone();
    t.param.copy_(t.grad);
    t.grad.copy_(ours);
  }
  averages_shown_ = show;
}

CallbackState AveragedWeights::state() const {
  CallbackState state;
  for (size_t i = 0; i < names_.size(); ++i) state.tensors.emplace_back(names_[i], tensors_[i].param);
  state.numbers["averages_shown"] = averages_shown_ ? 1 : 0;
  return state;
}

void AveragedWeights::load_state(const CallbackState& state) {
  const NoGrad no_grad;
  const std::map<std::string, Tensor> found(state.tensors.begin(), state.tensors.end());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const auto it = found.find(names_[i]);
    if (it == found.end())
      throw ConfigError(fmt::format("averaged weights: the checkpoint has none of '{}'", names_[i]));
    if (it->second.shape() != tensors_[i].param.shape())
      throw ShapeError(fmt::format("averaged weights: '{}' is {}, but {} in the checkpoint", names_[i],
                                   tensors_[i].param.shape().to_string(), it->second.shape().to_string()));
    tensors_[i].param.copy_(it->second);
  }
  averages_shown_ = state.numbers.at("averages_shown") != 0;
}

}  // namespace gw
