// Training the last layers of a model only.
#pragma once

#include "nn/layer_groups.h"
#include "train/learner.h"

namespace gw {

/// Freezes the groups before `first` (see freeze_to) when a fit begins. In training, too, their layers act as in
/// evaluation: batch norms normalise by their running statistics and keep them, dropout drops nothing.
class Freeze : public Callback {
 public:
  /// ConfigError if there is no such group.
  Freeze(std::vector<LayerGroup> groups, int64_t first)
      : groups_(std::move(groups)), frozen_(first_unfrozen(groups_, first)) {}
  void before_fit(Learner&) override { freeze_to(groups_, static_cast<int64_t>(frozen_)); }
  void before_epoch(Learner& learner) override {
    if (!learner.training) return;
    for (size_t g = 0; g < frozen_; ++g)
      for (const ModulePtr& layer : groups_[g].layers) layer->eval();
  }

 private:
  std::vector<LayerGroup> groups_;
  size_t frozen_;
};

}  // namespace gw
