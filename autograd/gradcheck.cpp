#include "autograd/gradcheck.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

/// The weighted sum in double, so that the difference of two of them keeps its digits.
double weighted_sum(const Tensor& y, const std::vector<float>& weights) {
  const std::vector<float> values = y.to_vector<float>();
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += static_cast<double>(values[i]) * weights[i];
  return sum;
}

/// The same tensor with element `at` (counted in memory order of its own copy) changed to `value`.
double with_element(const Function& f, std::vector<Tensor> inputs, size_t input, int64_t at, float value,
                    const std::vector<float>& weights) {
  const NoGrad no_grad;
  Tensor changed = inputs[input].contiguous().clone();
  changed.data<float>()[at] = value;
  inputs[input] = changed;
  return weighted_sum(f(inputs), weights);
}

}  // namespace

std::string gradcheck(const Function& f, const std::vector<Tensor>& inputs, GradcheckOptions options) {
  std::vector<Tensor> leaves;
  for (const Tensor& t : inputs) {
    leaves.push_back(t.detach());
    if (t.requires_grad()) leaves.back().set_requires_grad();
  }
  if (std::none_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.requires_grad(); }))
    throw ConfigError("gradcheck: expected an input that requires a gradient, got none");
  const Tensor y = f(leaves);
  Generator generator(12345);
  const Tensor weights = randn(y.shape(), {}, generator);
  y.backward(weights.to(y.dtype()));
  const std::vector<float> w = weights.to(y.dtype()).to_vector<float>();

  for (size_t input = 0; input < inputs.size(); ++input) {
    if (!inputs[input].requires_grad()) continue;
    const Tensor grad = leaves[input].grad();
    if (!grad.defined()) return fmt::format("input {}: no gradient arrived", input);
    const std::vector<float> analytic = grad.to_vector<float>(), x = inputs[input].detach().to_vector<float>();
    float scale = 0;
    for (float g : analytic) scale = std::max(scale, std::fabs(g));
    for (size_t i = 0; i < x.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      const float high = x[i] + static_cast<float>(options.eps), low = x[i] - static_cast<float>(options.eps);
      const double numeric =
          (with_element(f, leaves, input, at, high, w) - with_element(f, leaves, input, at, low, w)) /
          (static_cast<double>(high) - static_cast<double>(low));
      const double error = std::fabs(numeric - static_cast<double>(analytic[i]));
      if (!(error <= options.atol + options.rtol * static_cast<double>(scale)))
        return fmt::format("input {}, element {}: backward gives {}, finite differences {}", input, i, analytic[i],
                           numeric);
    }
  }
  return {};
}

}  // namespace gw
