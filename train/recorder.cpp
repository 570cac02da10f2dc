#include "train/recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gw {

void Recorder::after_step(Learner& learner) {
  losses_.push_back(learner.loss.detach());
  for (const std::string& name : names_) hypers_[name].push_back(learner.optimizer->hyper(name));
}

std::vector<float> Recorder::losses() const {
  std::vector<float> values;
  for (const Tensor& loss : losses_) values.push_back(static_cast<float>(loss.item()));
  return values;
}

const std::vector<double>& Recorder::hyper(const std::string& name) const {
  const auto it = hypers_.find(name);
  if (it == hypers_.end())
    throw ConfigError(fmt::format("Recorder: '{}' was not recorded, only {}", name, fmt::join(names_, ", ")));
  return it->second;
}

}  // namespace gw
