#include "nn/layer_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "nn/conv2d.h"
#include "nn/linear.h"

namespace gw {
namespace {

using Child = std::pair<std::string, ModulePtr>;

template <class Layer>
bool contains(Module& module) {
  const std::vector<Module*> all = module.modules();
  return std::any_of(all.begin(), all.end(), [](Module* m) { return dynamic_cast<Layer*>(m) != nullptr; });
}

template <class Layer>
std::optional<size_t> last_with(const std::vector<Child>& children) {
  for (size_t i = children.size(); i-- > 0;)
    if (contains<Layer>(*children[i].second)) return i;
  return {};
}

/// The first of the children that make up the head; one past the last if there is no layer to be one.
size_t head_begin(const std::vector<Child>& children) {
  if (const auto linear = last_with<Linear>(children)) return *linear;
  return last_with<Conv2d>(children).value_or(children.size());
}

LayerGroup group_of(const std::vector<Child>& children, size_t begin, size_t end) {
  LayerGroup group;
  for (size_t i = begin; i < end; ++i) {
    group.names.push_back(children[i].first);
    group.layers.push_back(children[i].second);
  }
  return group;
}

}  // namespace

std::vector<Tensor> LayerGroup::parameters() const {
  std::vector<Tensor> all;
  for (const ModulePtr& layer : layers)
    for (const Tensor& p : layer->parameters()) all.push_back(p);
  return all;
}

std::vector<LayerGroup> layer_groups(const Module& model, int64_t count) {
  const std::vector<Child>& children = model.named_children();
  if (count == 1) return {group_of(children, 0, children.size())};
  const size_t head = head_begin(children);
  std::vector<size_t> with_parameters;  // of those before the head
  for (size_t i = 0; i < head; ++i)
    if (children[i].second->num_parameters() > 0) with_parameters.push_back(i);
  const auto most = static_cast<int64_t>(with_parameters.size() + (head < children.size() ? 1 : 0));
  if (count < 1 || count > most || head == children.size())
    throw ConfigError(fmt::format("layer_groups: expected 1 to {} groups of this {}, got {}",
                                  std::max<int64_t>(1, most), model.type_name(), count));
  std::vector<LayerGroup> groups;
  const auto body = static_cast<size_t>(count - 1);
  for (size_t g = 0; g < body; ++g) {
    const size_t begin = g == 0 ? 0 : with_parameters[g * with_parameters.size() / body];
    const size_t end = g + 1 == body ? head : with_parameters[(g + 1) * with_parameters.size() / body];
    groups.push_back(group_of(children, begin, end));
  }
  groups.push_back(group_of(children, head, children.size()));
  return groups;
}

std::vector<std::string> head_tensors(const Module& model) {
  const std::vector<Child>& children = model.named_children();
  std::vector<std::string> names;
  for (size_t i = head_begin(children); i < children.size(); ++i)
    for (const auto& entry : children[i].second->state_dict()) names.push_back(children[i].first + "." + entry.first);
  return names;
}

size_t first_unfrozen(const std::vector<LayerGroup>& groups, int64_t first) {
  const auto count = static_cast<int64_t>(groups.size());
  const int64_t place = first < 0 ? first + count : first;
  if (place < 0 || place >= count)
    throw ConfigError(fmt::format("freeze_to: there is no group {} of {}", first, count));
  return static_cast<size_t>(place);
}

void freeze_to(const std::vector<LayerGroup>& groups, int64_t first) {
  const size_t place = first_unfrozen(groups, first);
  for (size_t g = 0; g < groups.size(); ++g)
    for (Tensor& p : groups[g].parameters()) p.set_requires_grad(g >= place);
}

}  // namespace gw
