#include "train/recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "autograd/autograd.h"
#include "autograd/index.h"
#include "tensor/creation.h"

namespace gw {

void Recorder::before_fit(Learner&) {
  past_.clear();
  losses_.clear();
  hypers_.clear();
  epochs_.clear();
}

void Recorder::after_step(Learner& learner) {
  losses_.push_back(learner.loss.detach());
  const Optimizer& optimizer = *learner.optimizer;
  for (const std::string& name : names_) {
    const bool as_beta1 = name == "momentum" && !optimizer.has_hyper(name);
    if (as_beta1 && !optimizer.has_hyper("beta1")) continue;
    hypers_[name].push_back(optimizer.hyper(as_beta1 ? "beta1" : name));
  }
}

void Recorder::after_epoch(Learner& learner) {
  const EpochReport& report = learner.report;
  epochs_.push_back({learner.epoch, learner.step, learner.training, report.loss,
                     std::map<std::string, double>(report.metrics.begin(), report.metrics.end())});
}

std::vector<float> Recorder::losses() const {
  std::vector<float> values = past_;
  if (losses_.empty()) return values;
  // One wait for the device, not one for each loss.
  const NoGrad no_grad;
  std::vector<Tensor> parts;
  for (const Tensor& loss : losses_) parts.push_back(loss.reshape({1}));
  const std::vector<float> recent = cat(parts, 0).to_vector<float>();
  values.insert(values.end(), recent.begin(), recent.end());
  return values;
}

const std::vector<double>& Recorder::hyper(const std::string& name) const {
  const auto it = hypers_.find(name);
  if (it == hypers_.end())
    throw ConfigError(fmt::format("Recorder: '{}' was not recorded, only {}", name, fmt::join(names_, ", ")));
  return it->second;
}

CallbackState Recorder::state() const {
  CallbackState out;
  const std::vector<float> all = losses();
  out.tensors.emplace_back("losses", from_values(all, {static_cast<int64_t>(all.size())}));
  for (const auto& [name, values] : hypers_)
    out.tensors.emplace_back("hyper." + name, from_values(values, {static_cast<int64_t>(values.size())}));
  for (size_t i = 0; i < epochs_.size(); ++i) {
    const EpochRecord& e = epochs_[i];
    const auto number = [&](const std::string& name) -> double& {
      return out.numbers[fmt::format("{:06}.{}", i, name)];
    };
    number("epoch") = static_cast<double>(e.epoch);
    number("step") = static_cast<double>(e.step);
    number("training") = e.training;
    number("loss") = e.loss;
    for (const auto& [name, value] : e.metrics) number("metric." + name) = value;
  }
  return out;
}

void Recorder::load_state(const CallbackState& state) {
  for (const auto& [name, t] : state.tensors) {
    if (name == "losses")
      past_ = t.to_vector<float>();
    else
      hypers_[name.substr(name.find('.') + 1)] = t.to_vector<double>();
  }
  // The numbers of an epoch stand together, in the order of the epochs.
  std::string last;
  for (const auto& [key, value] : state.numbers) {
    const std::string index = key.substr(0, key.find('.')), name = key.substr(key.find('.') + 1);
    if (index != std::exchange(last, index)) epochs_.push_back({});
    EpochRecord& e = epochs_.back();
    if (name == "epoch")
      e.epoch = static_cast<int64_t>(value);
    else if (name == "step")
      e.step = static_cast<int64_t>(value);
    else if (name == "training")
      e.training = value != 0;
    else if (name == "loss")
      e.loss = value;
    else
      e.metrics[name.substr(name.find('.') + 1)] = value;
  }
}

}  // namespace gw
