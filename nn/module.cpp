#include "nn/module.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <typeinfo>
#include <unordered_set>

#include "autograd/autograd.h"

namespace gw {
namespace {

std::string joined(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

void add_modules(const std::string& name, Module& module, std::vector<std::pair<std::string, Module*>>& out) {
  out.emplace_back(name, &module);
  for (const auto& [child_name, child] : module.named_children()) add_modules(joined(name, child_name), *child, out);
}

std::vector<Tensor> without_names(const NamedTensors& named) {
  std::vector<Tensor> tensors;
  tensors.reserve(named.size());
  for (const auto& entry : named) tensors.push_back(entry.second);
  return tensors;
}

NamedTensors without_repeats(NamedTensors named) {
  std::unordered_set<const TensorImpl*> seen;
  std::erase_if(named, [&](const auto& entry) { return !seen.insert(entry.second.impl()).second; });
  return named;
}

/// Lets every handle on `t` see its data on another device.
void move_to(const Tensor& t, Device device) {
  if (t.device() == device) return;
  const Tensor moved = t.detach().to(device);
  t.impl()->storage = moved.storage();
  t.impl()->strides = moved.strides();
  t.impl()->offset = moved.offset();
  if (t.grad().defined()) t.impl()->grad = t.grad().to(device);
}

std::string indented(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) text.insert(at + 1, "  ");
  return text;
}

}  // namespace

Tensor Module::operator()(const Tensor& x) {
  if (!has_hooks()) return forward(x);
  Tensor input = x;
  pre_hooks_.call(*this, input);
  Tensor output = backward_hooks_.empty() ? forward(input) : forward_with_backward_hooks(input);
  hooks_.call(*this, std::as_const(input), output);
  return output;
}

Tensor Module::forward_with_backward_hooks(const Tensor& x) {
  const auto seen = std::make_shared<Tensor>();  // the gradient of the output, until that of the input arrives
  const bool input_grad = grad_enabled() && x.requires_grad();
  const auto call_hooks = [this, seen](Tensor grad_input) {
    const Tensor grad_output = std::exchange(*seen, {});
    backward_hooks_.call(*this, grad_output, grad_input);
    return Grads{grad_input};
  };
  Tensor input = x, y;
  if (input_grad) input = record("backward_hook", x.detach(), {x}, call_hooks);
  y = forward(input);
  return record("backward_hook", y.detach(), {y}, [=](const Tensor& dy) {
    *seen = dy;
    if (!input_grad) call_hooks({});
    return Grads{dy};
  });
}

void Module::collect(const std::string& prefix, std::initializer_list<Kind> kinds, NamedTensors& out) const {
  for (const Kind kind : kinds)
    for (const auto& [name, t] : this->*kind) out.emplace_back(joined(prefix, name), t);
  for (const auto& [name, child] : children_) child->collect(joined(prefix, name), kinds, out);
}

NamedTensors Module::named_parameters() const {
  NamedTensors all;
  collect("", {&Module::parameters_}, all);
  return without_repeats(std::move(all));
}

NamedTensors Module::named_buffers() const {
  NamedTensors all;
  collect("", {&Module::buffers_}, all);
  return without_repeats(std::move(all));
}

NamedTensors Module::state_dict() const {
  NamedTensors all;
  collect("", {&Module::parameters_, &Module::buffers_}, all);
  for (auto& entry : all) entry.second = entry.second.detach();
  return all;
}

std::vector<Tensor> Module::parameters() const { return without_names(named_parameters()); }
std::vector<Tensor> Module::buffers() const { return without_names(named_buffers()); }

std::vector<std::pair<std::string, Module*>> Module::named_modules() {
  std::vector<std::pair<std::string, Module*>> all;
  add_modules("", *this, all);
  return all;
}

std::vector<Module*> Module::modules() {
  std::vector<Module*> all;
  for (const auto& entry : named_modules()) all.push_back(entry.second);
  return all;
}

int64_t Module::num_parameters() const {
  int64_t n = 0;
  for (const Tensor& p : parameters()) n += p.numel();
  return n;
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& entry : children_) entry.second->train(on);
}

void Module::requires_grad_(bool on) {
  for (Tensor& p : parameters()) p.set_requires_grad(on);
}

void Module::zero_grad() {
  for (Tensor& p : parameters()) p.set_grad({});
}

void Module::to(Device device) {
  const NoGrad no_grad;
  for (const Tensor& p : parameters()) move_to(p, device);
  for (const Tensor& b : buffers()) move_to(b, device);
}

void Module::apply(const std::function<void(Module&)>& f) {
  for (const auto& entry : children_) entry.second->apply(f);
  f(*this);
}

Tensor Module::register_parameter(std::string name, Tensor value) {
  if (!value.defined()) return value;
  value.set_requires_grad();
  parameters_.emplace_back(std::move(name), value);
  return value;
}

Tensor Module::register_buffer(std::string name, Tensor value) {
  if (value.defined()) buffers_.emplace_back(std::move(name), value);
  return value;
}

std::string Module::type_name() const {
  const char* mangled = typeid(*this).name();
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                         &std::free);
  const std::string name = status == 0 ? text.get() : mangled;
  const size_t scope = name.rfind("::");
  return scope == std::string::npos ? name : name.substr(scope + 2);
}

std::string Module::to_string() const {
  std::string text = type_name() + "(" + extra_repr();
  if (children_.empty()) return text + ")";
  for (const auto& [name, child] : children_) text += fmt::format("\n  ({}): {}", name, indented(child->to_string()));
  return text + "\n)";
}

std::ostream& operator<<(std::ostream& out, const Module& module) { return out << module.to_string(); }

}  // namespace gw
