#include "train/activation_stats.h"

#include <fmt/format.h>

#include <numeric>

#include "autograd/autograd.h"
#include "autograd/index.h"

namespace gw {
namespace {

/// Small tensors of one shape as one, on the CPU: one wait for the device instead of one for each.
template <class T>
std::vector<T> joined(const std::vector<kernels::ValueStatistics>& steps, Tensor kernels::ValueStatistics::*part) {
  if (steps.empty()) return {};
  std::vector<Tensor> parts;
  for (const auto& step : steps) parts.push_back(step.*part);
  return cat(parts, 0).to_vector<T>();
}

}  // namespace

void ActivationStats::before_fit(Learner& learner) {
  const std::vector<NamedModule> modules = select_modules(*learner.model, filter_);
  names_.clear();
  for (const auto& [name, module] : modules)
    names_.push_back(name.empty() ? module->type_name() : fmt::format("{}: {}", name, module->type_name()));
  steps_.assign(modules.size(), {});
  hooks_ = Hooks(modules, [this](size_t i, Module& module, const Tensor&, Tensor& output) {
    if (!module.is_training()) return;
    const NoGrad no_grad;
    steps_[i].push_back(kernels::value_statistics(output.detach(), options_));
  });
}

void ActivationStats::cleanup_fit(Learner&) { hooks_.remove(); }

std::vector<ActivationStats::Layer> ActivationStats::layers() const {
  const NoGrad no_grad;
  const auto bins = static_cast<ptrdiff_t>(options_.bins);
  std::vector<Layer> all;
  for (size_t i = 0; i < names_.size(); ++i) {
    Layer layer{names_[i], {}, {}, {}, {}};
    const auto moments = joined<float>(steps_[i], &kernels::ValueStatistics::moments);
    const auto counts = joined<int64_t>(steps_[i], &kernels::ValueStatistics::counts);
    for (size_t s = 0; s < steps_[i].size(); ++s) {
      layer.means.push_back(moments[2 * s]);
      layer.stds.push_back(moments[2 * s + 1]);
      const auto first = counts.begin() + static_cast<ptrdiff_t>(s) * bins;
      layer.histograms.emplace_back(first, first + bins);
      const int64_t counted = std::accumulate(first, first + bins, int64_t{0});
      layer.dead.push_back(counted > 0 ? static_cast<double>(*first) / static_cast<double>(counted) : 0);
    }
    all.push_back(std::move(layer));
  }
  return all;
}

}  // namespace gw
