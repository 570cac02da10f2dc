#include "golden_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "attributes.h"
#include "operations.h"
#include "tensor/creation.h"

namespace golden {
namespace {

using gw::Tensor;

const std::string& metadata(const gw::SafetensorsFile& file, const std::string& name) {
  const auto it = file.metadata.find(name);
  if (it == file.metadata.end()) throw gw::IoError(fmt::format("no golden case: its metadata has no \"{}\"", name));
  return it->second;
}

double tolerance(const gw::SafetensorsFile& file, const std::string& name) {
  const std::string& text = metadata(file, name);
  double value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0) || std::isinf(value))
    throw gw::IoError(fmt::format("{}: expected a number that is not negative, got \"{}\"", name, text));
  return value;
}

/// "input.3" -> ("input", 3); IoError for another form.
std::pair<std::string, size_t> split_name(const std::string& name) {
  const size_t dot = name.find('.');
  size_t index = 0;
  if (dot != std::string::npos) {
    const char* end = name.data() + name.size();
    const auto [last, error] = std::from_chars(name.data() + dot + 1, end, index);
    if (error == std::errc{} && last == end && index < 100) return {name.substr(0, dot), index};
  }
  throw gw::IoError(fmt::format("tensor \"{}\": expected a name like input.0", name));
}

/// The same values in another place: every other element of a tensor twice as large in each dimension.
Tensor strided(const Tensor& t) {
  gw::Shape doubled = t.shape();
  for (int64_t& d : doubled) d *= 2;
  Tensor view = gw::zeros(doubled, {.dtype = t.dtype(), .device = t.device()});
  for (int64_t d = 0; d < t.dim(); ++d) view = view.slice(d, 0, 2 * t.size(d), 2);
  view.copy_(t);
  return view;
}

Tensor placed(const Tensor& t, gw::Device device, Layout layout) {
  const Tensor copy = t.to(device).clone();
  if (layout == Layout::strided) return strided(copy);
  if (layout == Layout::channels_last && copy.dim() == 4) return copy.contiguous(gw::MemoryFormat::channels_last);
  return copy;
}

Inputs place_inputs(const Case& golden, gw::Device device, Layout layout) {
  Tensors tensors(golden.inputs.empty() ? 0 : golden.inputs.rbegin()->first + 1);
  for (const auto& [i, t] : golden.inputs) tensors[i] = placed(t, device, layout);
  for (const auto& [i, t] : golden.grad_inputs) tensors[i].set_requires_grad();
  return Inputs(std::move(tensors));
}

/// Runs the gradients of the outputs back to the inputs.
void run_backward(const Case& golden, const Tensors& outputs, gw::Device device) {
  for (const auto& [i, dy] : golden.grad_outputs)
    if (i < outputs.size() && outputs[i].requires_grad())
      outputs[i].backward(dy.to(device), i != golden.grad_outputs.rbegin()->first);
}

/// A gradient that never arrived is zero.
Tensor gradient_of(const Tensor& input) { return input.grad().defined() ? input.grad() : gw::zeros_like(input); }

template <class T>
std::string integer_difference(const std::vector<T>& found, const std::vector<T>& expected) {
  const auto [f, e] = std::mismatch(found.begin(), found.end(), expected.begin());
  if (f == found.end()) return "";
  const auto wrong =
      std::inner_product(found.begin(), found.end(), expected.begin(), 0, std::plus<>(), std::not_equal_to<>());
  return fmt::format("{} of {} elements differ, first at {}: found {}, expected {}", wrong, found.size(),
                     f - found.begin(), static_cast<int64_t>(*f), static_cast<int64_t>(*e));
}

std::string position(int64_t flat, const gw::Shape& shape) {
  gw::Shape index = shape;
  for (int64_t d = shape.size() - 1; d >= 0; --d) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  return index.to_string();
}

/// 0 where both are the same (infinities and NaNs too), infinite where only one of them is finite.
double distance(double found, double expected) {
  if (found == expected || (std::isnan(found) && std::isnan(expected))) return 0;
  const double d = std::abs(found - expected);
  return std::isfinite(d) ? d : std::numeric_limits<double>::infinity();
}

std::string floating_difference(const Tensor& found, const Tensor& expected, double rtol, double atol) {
  const std::vector<float> f = found.to_vector<float>(), e = expected.to_vector<float>();
  size_t wrong = 0, worst = 0;
  double largest = 0, excess = 0;
  for (size_t i = 0; i < f.size(); ++i) {
    const double error = distance(f[i], e[i]);
    const double over = error - (std::isfinite(e[i]) ? atol + rtol * std::abs(e[i]) : 0);
    largest = std::max(largest, error);
    if (error == 0 || !(over > 0)) continue;
    ++wrong;
    if (over > excess) worst = i, excess = over;
  }
  if (wrong == 0) return "";
  return fmt::format(
      "largest error {:.4g}; {} of {} elements outside rtol {:g}, atol {:g}, worst at {}: found {:.8g}, expected "
      "{:.8g}",
      largest, wrong, f.size(), rtol, atol, position(static_cast<int64_t>(worst), found.shape()), f[worst], e[worst]);
}

}  // namespace

std::string name_of(Layout layout) {
  switch (layout) {
    case Layout::stored:
      return "stored";
    case Layout::channels_last:
      return "channels_last";
    case Layout::strided:
      return "strided";
  }
  return "?";
}

Case load_case(const std::string& path) {
  const gw::SafetensorsFile file = gw::load_safetensors(path);
  Case golden;
  golden.op = metadata(file, "op");
  golden.attrs = metadata(file, "attrs");
  golden.rtol = tolerance(file, "rtol");
  golden.atol = tolerance(file, "atol");
  const std::map<std::string, Case::Numbered*> groups = {{"input", &golden.inputs},
                                                         {"output", &golden.outputs},
                                                         {"grad_output", &golden.grad_outputs},
                                                         {"grad_input", &golden.grad_inputs},
                                                         {"after", &golden.after}};
  for (const auto& [name, tensor] : file.tensors) {
    const auto [group, index] = split_name(name);
    const auto it = groups.find(group);
    if (it == groups.end()) throw gw::IoError(fmt::format("tensor \"{}\": a golden case has no such tensor", name));
    (*it->second)[index] = tensor;
  }
  for (const Case::Numbered* of_inputs : {&golden.grad_inputs, &golden.after})
    for (const auto& [i, t] : *of_inputs)
      if (!golden.inputs.contains(i)) throw gw::IoError(fmt::format("no golden case: it has no input.{}", i));
  if (golden.outputs.empty()) throw gw::IoError("no golden case: it has no output.0");
  return golden;
}

std::vector<std::string> run_case(const Case& golden, gw::Device device, Layout layout) {
  const Operation operation = find_operation(golden.op);
  Attributes attrs(golden.attrs);
  const Inputs inputs = place_inputs(golden, device, layout);
  const Tensors outputs = operation(inputs, attrs);
  attrs.ignore("inplace");
  attrs.check_all_known();
  run_backward(golden, outputs, device);

  std::vector<std::string> faults;
  const auto compare = [&](const std::string& name, const Tensor& found, const Tensor& expected) {
    const std::string fault = difference(found, expected, golden.rtol, golden.atol);
    if (!fault.empty()) faults.push_back(name + ": " + fault);
  };
  const size_t expected_outputs = golden.outputs.rbegin()->first + 1;
  if (outputs.size() != expected_outputs)
    faults.push_back(fmt::format("found {} outputs, expected {}", outputs.size(), expected_outputs));
  for (const auto& [i, expected] : golden.outputs)
    if (i < outputs.size()) compare(fmt::format("output.{}", i), outputs[i], expected);
  for (const auto& [i, expected] : golden.grad_inputs)
    compare(fmt::format("grad_input.{}", i), gradient_of(inputs[i]), expected);
  for (const auto& [i, expected] : golden.after) compare(fmt::format("after.{}", i), inputs[i], expected);
  return faults;
}

std::string difference(const Tensor& found, const Tensor& expected, double rtol, double atol) {
  if (!found.defined()) return "there is none";
  if (found.dtype() != expected.dtype())
    return fmt::format("found dtype {}, expected {}", gw::name_of(found.dtype()), gw::name_of(expected.dtype()));
  if (!(found.shape() == expected.shape()))
    return fmt::format("found shape {}, expected {}", found.shape().to_string(), expected.shape().to_string());
  if (gw::is_floating(found.dtype())) return floating_difference(found, expected, rtol, atol);
  return integer_difference(found.to_vector<int64_t>(), expected.to_vector<int64_t>());
}

}  // namespace golden
