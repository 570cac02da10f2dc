#include "nn/module_filter.h"

#include <algorithm>

namespace gw {

ModuleFilter of_type(std::vector<std::string> names) {
  return [names = std::move(names)](const std::string&, const Module& module) {
    return std::find(names.begin(), names.end(), module.type_name()) != names.end();
  };
}

ModuleFilter direct_children() {
  return [](const std::string& name, const Module&) { return !name.empty() && name.find('.') == std::string::npos; };
}

std::vector<NamedModule> select_modules(Module& model, const ModuleFilter& filter) {
  std::vector<NamedModule> selected;
  for (const auto& [name, module] : model.named_modules())
    if (filter(name, *module)) selected.push_back({name, module});
  if (selected.empty())
    throw ConfigError("select_modules: the filter holds for no module of this " + model.type_name());
  return selected;
}

Hooks::Hooks(const std::vector<NamedModule>& modules, const OnForward& hook) {
  for (size_t i = 0; i < modules.size(); ++i)
    handles_.push_back(modules[i].module->register_forward_hook(
        [i, hook](Module& module, const Tensor& input, Tensor& output) { hook(i, module, input, output); }));
}

Hooks Hooks::backward(const std::vector<NamedModule>& modules, const OnBackward& hook) {
  Hooks hooks;
  for (size_t i = 0; i < modules.size(); ++i)
    hooks.handles_.push_back(modules[i].module->register_backward_hook(
        [i, hook](Module& module, const Tensor& grad_output, Tensor& grad_input) {
          hook(i, module, grad_output, grad_input);
        }));
  return hooks;
}

}  // namespace gw
