// Choosing modules of a model, and hooking all of them at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace gw {

/// Says of a module, by its full name and itself, whether it is meant.
using ModuleFilter = std::function<bool(const std::string& name, const Module& module)>;

/// Modules whose class has one of these names: of_type({"Conv2d", "Linear"}).
ModuleFilter of_type(std::vector<std::string> names);
/// The model's direct children: its layers as the summary lists them.
ModuleFilter direct_children();

struct NamedModule {
  std::string name;
  Module* module;
};

/// The modules below `model` (and itself, under the name "") for which the filter holds, in the order of the model.
/// ConfigError if there is none.
std::vector<NamedModule> select_modules(Module& model, const ModuleFilter& filter);

/// Hooks on many modules, told apart by their number, that are removed together: by remove(), or when this goes out of
/// scope.
class Hooks {
 public:
  using OnForward = std::function<void(size_t index, Module& module, const Tensor& input, Tensor& output)>;
  using OnBackward = std::function<void(size_t index, Module& module, const Tensor& grad_output, Tensor& grad_input)>;

  Hooks() = default;
  Hooks(const std::vector<NamedModule>& modules, const OnForward& hook);
  static Hooks backward(const std::vector<NamedModule>& modules, const OnBackward& hook);

  size_t size() const { return handles_.size(); }
  void remove() { handles_.clear(); }

 private:
  std::vector<HookHandle> handles_;
};

}  // namespace gw
