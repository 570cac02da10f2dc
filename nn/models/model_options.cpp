#include "nn/models/model_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "nn/init.h"

namespace gw {
namespace {

template <class Layer, class... Args>
ActivationFactory factory(Args... args) {
  return [args...] { return std::make_shared<Layer>(args...); };
}

const std::map<std::string, ActivationFactory>& activations() {
  static const std::map<std::string, ActivationFactory> table = {
      {"gelu", factory<GELU>()},
      {"general-relu", make_general_relu()},
      {"leaky-relu", factory<LeakyReLU>(0.1)},
      {"mish", factory<Mish>()},
      {"relu", make_relu()},
      {"silu", factory<SiLU>()},
  };
  return table;
}

const std::map<std::string, NormFactory>& norms() {
  static const std::map<std::string, NormFactory> table = {{"batch", make_batch_norm2d()}, {"none", nullptr}};
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

std::vector<std::string> activation_names() { return names(activations()); }
ActivationFactory activation_named(const std::string& name) { return find("activation", activations(), name); }
std::vector<std::string> norm_names() { return names(norms()); }
NormFactory norm_named(const std::string& name) { return find("norm", norms(), name); }

double leak_of(const ActivationFactory& act) {
  const ModulePtr layer = act ? act() : nullptr;
  const auto* relu = dynamic_cast<const GeneralRelu*>(layer.get());
  return relu ? relu->options.leak : 0.0;
}

void zero_init_norm(Module* norm) {
  const auto* batch_norm = dynamic_cast<const BatchNorm*>(norm);
  if (!batch_norm || !batch_norm->weight.defined())
    throw ConfigError("zero_init: expected a block whose convolutions end in a batch norm with a weight");
  init::zeros_(batch_norm->weight);
}

}  // namespace gw
