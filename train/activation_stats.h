// ActivationStats: what the activations of chosen layers are like, step by step.
#pragma once

#include <string>
#include <vector>

#include "kernels/histogram.h"
#include "nn/module_filter.h"
#include "train/learner.h"

namespace gw {

using HistogramOptions = kernels::HistogramOptions;

/// Watches the outputs of the modules that a filter chooses, in every training step of a fit: mean, standard deviation
/// and histogram, in one pass over each output. They stay on the device until they are asked for, so no step waits.
class ActivationStats : public Callback {
 public:
  explicit ActivationStats(ModuleFilter filter, HistogramOptions options = {})
      : filter_(std::move(filter)), options_(options) {}
  void before_fit(Learner& learner) override;
  void cleanup_fit(Learner& learner) override;

  /// Of one layer, a value or a histogram for each step.
  struct Layer {
    std::string name;  ///< "3: ResBlock"
    std::vector<float> means, stds;
    std::vector<std::vector<int64_t>> histograms;
    /// Share of the lowest bin among all that was counted: with the usual options, activations close to zero.
    std::vector<double> dead;
  };
  /// The layers in the order of the model. Waits for the device.
  std::vector<Layer> layers() const;

 private:
  ModuleFilter filter_;
  HistogramOptions options_;
  Hooks hooks_;
  std::vector<std::string> names_;
  std::vector<std::vector<kernels::ValueStatistics>> steps_;  ///< [layer][step]
};

}  // namespace gw
