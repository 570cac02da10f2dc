// Module: a layer or a model. It owns parameters (which train), buffers (which are only kept) and child modules, each
// under a name, and computes forward(x).
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "nn/hooks.h"
#include "tensor/safetensors.h"
#include "tensor/tensor.h"

namespace gw {

class Module;
using ModulePtr = std::shared_ptr<Module>;

/// Base of all layers and models. A layer registers its tensors and children in its constructor and implements
/// forward(); everything else follows from that. Modules move but do not copy: a copy would share the weights unseen.
///
/// Full names of tensors are PyTorch's: the names of the modules on the way and the tensor's own, joined by dots
/// ("0.convs.0.0.weight").
class Module {
 public:
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module() = default;

  /// What this module computes. Call the module itself, model(x), to have its hooks run too.
  virtual Tensor forward(const Tensor& x) = 0;
  /// forward(x) between the hooks.
  Tensor operator()(const Tensor& x);

  // --- what it holds, its children's included, in PyTorch's order. A tensor held twice (tied weights) is listed once.
  std::vector<Tensor> parameters() const;
  NamedTensors named_parameters() const;
  std::vector<Tensor> buffers() const;
  NamedTensors named_buffers() const;
  /// Direct children, in the order of registration.
  const std::vector<std::pair<std::string, ModulePtr>>& named_children() const { return children_; }
  /// This module and all below it, each before its children. The first one's name is empty.
  std::vector<std::pair<std::string, Module*>> named_modules();
  std::vector<Module*> modules();
  /// Number of elements of all parameters.
  int64_t num_parameters() const;

  // --- weights
  /// Every parameter and buffer under its full name; they share their data with the module.
  NamedTensors state_dict() const;
  /// Copies the values of `state` into the module's tensors of the same names. ShapeError in one line that names
  /// everything missing, unexpected, or of another shape or kind; then nothing has been changed. Not `strict`: what is
  /// missing or unexpected is passed over.
  void load_state_dict(const NamedTensors& state, bool strict = true);

  // --- modes
  /// Training mode (the default) or not: what batch norm and dropout look at.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }
  /// Whether the parameters collect gradients.
  void requires_grad_(bool on = true);
  void zero_grad();
  /// Moves all tensors. Handles on them, such as an optimizer's, follow.
  void to(Device device);
  /// Calls `f` on every module below this one, then on this one.
  void apply(const std::function<void(Module&)>& f);

  // --- hooks: see hooks.h
  [[nodiscard]] HookHandle register_forward_pre_hook(ForwardPreHook hook) { return pre_hooks_.add(std::move(hook)); }
  [[nodiscard]] HookHandle register_forward_hook(ForwardHook hook) { return hooks_.add(std::move(hook)); }
  [[nodiscard]] HookHandle register_backward_hook(BackwardHook hook) { return backward_hooks_.add(std::move(hook)); }
  bool has_hooks() const { return !pre_hooks_.empty() || !hooks_.empty() || !backward_hooks_.empty(); }

  // --- printing
  /// "Conv2d": the name of the class.
  virtual std::string type_name() const;
  /// What stands between the parentheses of a layer: "1, 8, kernel_size=(3, 3)".
  virtual std::string extra_repr() const { return ""; }
  /// As PyTorch prints modules, a line each.
  std::string to_string() const;

 protected:
  /// Each returns what it registers, for the constructor to keep. An undefined tensor is not registered.
  Tensor register_parameter(std::string name, Tensor value);
  Tensor register_buffer(std::string name, Tensor value);
  template <std::derived_from<Module> M>
  std::shared_ptr<M> register_module(std::string name, std::shared_ptr<M> child) {
    children_.emplace_back(std::move(name), child);
    return child;
  }

 private:
  /// forward(x) between two records that show the gradients on their way to the backward hooks.
  Tensor forward_with_backward_hooks(const Tensor& x);

  using Kind = NamedTensors Module::*;  ///< parameters_ or buffers_
  /// Appends the tensors of these kinds, this module's and those of all below it, to `out`.
  void collect(const std::string& prefix, std::initializer_list<Kind> kinds, NamedTensors& out) const;

  NamedTensors parameters_;
  NamedTensors buffers_;
  std::vector<std::pair<std::string, ModulePtr>> children_;
  bool training_ = true;
  HookList<ForwardPreHook> pre_hooks_;
  HookList<ForwardHook> hooks_;
  HookList<BackwardHook> backward_hooks_;
};

/// Prints as to_string().
std::ostream& operator<<(std::ostream& out, const Module& module);

}  // namespace gw
