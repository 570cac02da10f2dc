// Parts of a model by depth, for fine-tuning: what was learnt first changes least.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace gw {

/// Consecutive layers of a model (its direct children) that train alike.
struct LayerGroup {
  std::vector<std::string> names;
  std::vector<ModulePtr> layers;

  std::vector<Tensor> parameters() const;
};

/// A model's layers in `count` groups, the first ones first. The last group is the head: the layer with the last Linear
/// (or, if there is none, the last Conv2d) and what follows it. The others share the layers before evenly, by the
/// number of those that have parameters. One group is the whole model. ConfigError for less than one group, and for
/// more than can have a layer with parameters each.
std::vector<LayerGroup> layer_groups(const Module& model, int64_t count);

/// The names of the tensors of a model's head.
std::vector<std::string> head_tensors(const Module& model);

/// Lets the groups from `first` on train and freezes those before it: their parameters collect no gradients. A negative
/// number counts from the end: -1 is the last group. ConfigError if there is no such group.
void freeze_to(const std::vector<LayerGroup>& groups, int64_t first);
/// Lets all of them train.
inline void unfreeze(const std::vector<LayerGroup>& groups) { freeze_to(groups, 0); }

/// The place of group `first`, counted from the front. ConfigError if there is no such group.
size_t first_unfrozen(const std::vector<LayerGroup>& groups, int64_t first);

}  // namespace gw
