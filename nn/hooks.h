// Hooks: functions that run before or after a module's forward pass, or in its backward pass, to look at or replace
// what goes in and out.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

class Module;

/// Sees a module's input before forward(), and may assign another.
using ForwardPreHook = std::function<void(Module& module, Tensor& input)>;
/// Sees a module's input and output after forward(), and may assign another output.
using ForwardHook = std::function<void(Module& module, const Tensor& input, Tensor& output)>;

/// Sees, in the backward pass, the gradient of a module's output and that of its input, and may assign another of the
/// input. The latter is undefined where the input needs none, as that of a first layer. The module must live until
/// then.
using BackwardHook = std::function<void(Module& module, const Tensor& grad_output, Tensor& grad_input)>;

/// Owns a registered hook: it is removed when its handle is reset or destroyed. May outlive the module.
using HookHandle = std::shared_ptr<const void>;

/// The hooks of a module, each alive as long as its handle.
template <class Hook>
class HookList {
 public:
  HookHandle add(Hook hook) {
    std::erase_if(hooks_, [](const auto& h) { return h.expired(); });
    auto owner = std::make_shared<const Hook>(std::move(hook));
    hooks_.push_back(owner);
    return owner;
  }

  bool empty() const {
    return std::all_of(hooks_.begin(), hooks_.end(), [](const auto& h) { return h.expired(); });
  }

  /// Calls every hook, in the order of registration.
  template <class... Args>
  void call(Args&... args) const {
    const auto hooks = hooks_;  // a hook may register another one
    for (const auto& hook : hooks)
      if (const auto alive = hook.lock()) (*alive)(args...);
  }

 private:
  std::vector<std::weak_ptr<const Hook>> hooks_;
};

}  // namespace gw
