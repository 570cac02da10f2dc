#include "operations.h"

#include <fmt/format.h>

namespace golden {
namespace {

Operations all_operations() {
  Operations table = arithmetic_operations();
  table.merge(shape_operations());
  table.merge(functional_operations());
  table.merge(recurrent_operations());
  return table;
}

std::string bare_name(const std::string& name) {
  for (const std::string prefix : {"torch.nn.functional.", "torch.Tensor.", "torch.", "Tensor.", "F."})
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  return name;
}

}  // namespace

Operation find_operation(const std::string& name) {
  static const Operations table = all_operations();
  const auto exact = table.find(name);
  if (exact != table.end()) return exact->second;
  const auto it = table.find(bare_name(name));
  if (it == table.end()) throw gw::ConfigError(fmt::format("unknown op {}", name));
  return it->second;
}

gw::Tensor converted(const Inputs& in, Attributes& attrs) {
  return in[0].to(attrs.dtype("dtype").value_or(in[0].dtype()));
}

}  // namespace golden
