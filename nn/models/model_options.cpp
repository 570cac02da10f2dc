#include "nn/models/model_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "nn/init.h"

namespace gw {
namespace {

template <class Layer, class... Args>
ActivationFactory factory(Args... args) {
  return [args...] { return std::make_shared<Layer>(args...); };
}

/// Makes an activation with the numbers that may follow its name, and says how many it takes at most.
struct NamedActivation {
  size_t numbers;
  ActivationFactory (*make)(const std::vector<float>& numbers);
};

const std::map<std::string, NamedActivation>& activations() {
  using Numbers = const std::vector<float>&;
  static const std::map<std::string, NamedActivation> table = {
      {"gelu", {0, [](Numbers) { return factory<GELU>(); }}},
      {"general-relu",
       {2,
        [](Numbers n) {
          return make_general_relu({.leak = n.size() > 0 ? n[0] : 0.1f, .sub = n.size() > 1 ? n[1] : 0.4f});
        }}},
      {"leaky-relu", {1, [](Numbers n) { return factory<LeakyReLU>(n.empty() ? 0.1f : n[0]); }}},
      {"mish", {0, [](Numbers) { return factory<Mish>(); }}},
      {"relu", {0, [](Numbers) { return make_relu(); }}},
      {"silu", {0, [](Numbers) { return factory<SiLU>(); }}},
  };
  return table;
}

/// The numbers after the name: "name:0.1:0.4".
std::vector<float> numbers_after(const std::string& name, size_t colon) {
  std::vector<float> numbers;
  while (colon != std::string::npos) {
    const size_t next = name.find(':', colon + 1);
    const char *first = name.data() + colon + 1, *last = name.data() + std::min(next, name.size());
    float value = 0;
    const auto [end, error] = std::from_chars(first, last, value);
    if (error != std::errc{} || end != last || !std::isfinite(value))
      throw ConfigError(fmt::format("activation: expected numbers after each colon, got '{}'", name));
    numbers.push_back(value);
    colon = next;
  }
  return numbers;
}

/// A norm for images, and one for what the classifier says.
struct NamedNorm {
  NormFactory images, classes;
};

const std::map<std::string, NamedNorm>& norms() {
  static const std::map<std::string, NamedNorm> table = {
      {"batch", {make_batch_norm2d(), make_batch_norm1d()}},
      {"group", {make_group_norm(), nullptr}},
      {"instance", {make_instance_norm2d(), nullptr}},
      {"layer", {make_layer_norm2d(), nullptr}},
      {"none", {nullptr, nullptr}},
      {"running", {make_running_batch_norm(), make_running_batch_norm()}},
  };
  return table;
}

template <class T>
std::vector<std::string> names(const std::map<std::string, T>& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.push_back(entry.first);
  return names;
}

template <class T>
const T& find(const char* what, const std::map<std::string, T>& table, const std::string& name) {
  if (const auto it = table.find(name); it != table.end()) return it->second;
  throw ConfigError(fmt::format("{}: expected one of {}, got '{}'", what, fmt::join(names(table), ", "), name));
}

}  // namespace

ActivationFactory make_general_relu(GeneralReluOptions o) { return factory<GeneralRelu>(o); }
ActivationFactory make_relu() { return factory<ReLU>(); }

NormFactory make_batch_norm2d(BatchNormLayerOptions o) {
  return [o](int64_t channels) { return std::make_shared<BatchNorm2d>(channels, o); };
}

NormFactory make_batch_norm1d(BatchNormLayerOptions o) {
  return [o](int64_t features) { return std::make_shared<BatchNorm1d>(features, o); };
}

NormFactory make_group_norm(int64_t most, GroupNormLayerOptions o) {
  return [most, o](int64_t channels) {
    constexpr int64_t kLeastWidth = 4;
    int64_t groups = std::clamp<int64_t>(channels / kLeastWidth, 1, most);
    while (channels % groups != 0) --groups;
    return std::make_shared<GroupNorm>(groups, channels, o);
  };
}

NormFactory make_instance_norm2d() {
  return [](int64_t channels) {
    return std::make_shared<InstanceNorm2d>(channels, InstanceNormLayerOptions{.affine = true});
  };
}

NormFactory make_layer_norm2d() {
  return [](int64_t channels) { return std::make_shared<GroupNorm>(1, channels); };
}

NormFactory make_running_batch_norm(RunningBatchNormOptions o) {
  return [o](int64_t channels) { return std::make_shared<RunningBatchNorm>(channels, o); };
}

std::vector<std::string> activation_names() { return names(activations()); }

ActivationFactory activation_named(const std::string& name) {
  const size_t colon = name.find(':');
  const NamedActivation& activation = find("activation", activations(), name.substr(0, colon));
  const std::vector<float> numbers = numbers_after(name, colon);
  if (numbers.size() > activation.numbers)
    throw ConfigError(fmt::format("activation: {} takes {} numbers at most, got '{}'", name.substr(0, colon),
                                  activation.numbers, name));
  return activation.make(numbers);
}

std::vector<std::string> norm_names() { return names(norms()); }
NormFactory norm_named(const std::string& name) { return find("norm", norms(), name).images; }
NormFactory classifier_norm_named(const std::string& name) { return find("norm", norms(), name).classes; }

double leak_of(const ActivationFactory& act) {
  const ModulePtr layer = act ? act() : nullptr;
  const auto* relu = dynamic_cast<const GeneralRelu*>(layer.get());
  return relu ? relu->options.leak : 0.0;
}

void zero_init_norm(Module* norm) {
  if (norm)
    for (const auto& [name, weight] : norm->named_parameters())
      if (name == "weight") return init::zeros_(weight);
  throw ConfigError("zero_init: expected a block whose convolutions end in a norm with a weight");
}

int64_t scaled_channels(int64_t channels, const ModelOptions& o) {
  const double scaled = static_cast<double>(channels) * o.width;
  constexpr double kMost = 1e6;
  if (!(scaled >= 0.5 && scaled <= kMost))
    throw ConfigError(fmt::format("width: expected 1 to {:g} channels, got {} times {:g}", kMost, channels, o.width));
  return std::llround(scaled);
}

}  // namespace gw
