// Module::load_state_dict: weights into a module, or one line that says why not.
#include <fmt/format.h>

#include <map>

#include "autograd/autograd.h"
#include "nn/module.h"

namespace gw {
namespace {

/// "a, b, c and 12 more": the one line of the error stays readable when nothing fits.
std::string listed(const std::vector<std::string>& items) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < std::min(items.size(), kShown); ++i) text += (i ? ", " : "") + items[i];
  if (items.size() > kShown) text += fmt::format(" and {} more", items.size() - kShown);
  return text;
}

void add_fault(std::string& faults, const char* what, const std::vector<std::string>& items) {
  if (items.empty()) return;
  faults += fmt::format("{}{} {}", faults.empty() ? "" : "; ", what, listed(items));
}

std::string described(const Tensor& t) { return fmt::format("{} {}", name_of(t.dtype()), t.shape().to_string()); }

bool fits(const Tensor& target, const Tensor& source) {
  return target.shape() == source.shape() && is_floating(target.dtype()) == is_floating(source.dtype());
}

}  // namespace

void Module::load_state_dict(const NamedTensors& state, bool strict) {
  std::map<std::string, Tensor> unused(state.begin(), state.end());
  std::vector<std::pair<Tensor, Tensor>> copies;
  std::vector<std::string> missing, unexpected, mismatched;
  for (const auto& [name, target] : state_dict()) {
    const auto found = unused.extract(name);
    if (found.empty()) {
      missing.push_back(name);
    } else if (!fits(target, found.mapped())) {
      mismatched.push_back(fmt::format("{} ({}, expected {})", name, described(found.mapped()), described(target)));
    } else {
      copies.emplace_back(target, found.mapped());
    }
  }
  for (const auto& entry : unused) unexpected.push_back(entry.first);

  std::string faults;
  if (strict) add_fault(faults, "missing", missing);
  if (strict) add_fault(faults, "unexpected", unexpected);
  add_fault(faults, "of another shape", mismatched);
  if (!faults.empty())
    throw ShapeError(fmt::format("load_state_dict: the weights are not of this {}: {}", type_name(), faults));
  const NoGrad no_grad;
  for (auto& [target, source] : copies) target.copy_(source);
}

}  // namespace gw
