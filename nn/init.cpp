#include "nn/init.h"

#include <fmt/format.h>

#include <cmath>

#include "kernels/random.h"

namespace gw::init {
namespace {

double kaiming_std(const Tensor& weight, const KaimingOptions& o) {
  const auto [fan_in, fan_out] = fan_in_and_out(weight);
  const int64_t fan = o.mode == FanMode::fan_in ? fan_in : fan_out;
  return o.gain.value_or(calculate_gain(o.nonlinearity, o.a)) / std::sqrt(static_cast<double>(fan));
}

double xavier_std(const Tensor& weight, double gain) {
  const auto [fan_in, fan_out] = fan_in_and_out(weight);
  return gain * std::sqrt(2.0 / static_cast<double>(fan_in + fan_out));
}

/// A uniform distribution of standard deviation `std` around zero reaches this far.
double bound_of(double std) { return std::sqrt(3.0) * std; }

}  // namespace

std::pair<int64_t, int64_t> fan_in_and_out(const Tensor& weight) {
  if (weight.dim() < 2)
    throw ShapeError(fmt::format("fan_in_and_out: expected a weight of at least 2 dimensions, got shape {}",
                                 weight.shape().to_string()));
  int64_t rest = 1;
  for (int64_t d = 2; d < weight.dim(); ++d) rest *= weight.size(d);
  return {weight.size(1) * rest, weight.size(0) * rest};
}

double calculate_gain(Nonlinearity nonlinearity, double a) {
  switch (nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3.0;
    case Nonlinearity::relu:
      return std::sqrt(2.0);
    case Nonlinearity::leaky_relu:
      return std::sqrt(2.0 / (1 + a * a));
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid:
      break;
  }
  return 1;
}

void zeros_(const Tensor& t) { t.detach().fill_(0); }
void ones_(const Tensor& t) { t.detach().fill_(1); }

void uniform_(const Tensor& t, double low, double high, Generator& generator) {
  kernels::uniform(t, low, high, generator);
  t.storage()->bump_version();
}

void normal_(const Tensor& t, double mean, double std, Generator& generator) {
  kernels::normal(t, mean, std, generator);
  t.storage()->bump_version();
}

void kaiming_uniform_(const Tensor& weight, KaimingOptions o, Generator& generator) {
  const double bound = bound_of(kaiming_std(weight, o));
  uniform_(weight, -bound, bound, generator);
}

void kaiming_normal_(const Tensor& weight, KaimingOptions o, Generator& generator) {
  normal_(weight, 0, kaiming_std(weight, o), generator);
}

void xavier_uniform_(const Tensor& weight, double gain, Generator& generator) {
  const double bound = bound_of(xavier_std(weight, gain));
  uniform_(weight, -bound, bound, generator);
}

void xavier_normal_(const Tensor& weight, double gain, Generator& generator) {
  normal_(weight, 0, xavier_std(weight, gain), generator);
}

void default_(const Tensor& weight, const Tensor& bias, Generator& generator) {
  // kaiming_uniform_ with a = sqrt(5) is the same bound, in PyTorch's words.
  kaiming_uniform_(weight, {.a = std::sqrt(5.0)}, generator);
  if (!bias.defined()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in_and_out(weight).first));
  uniform_(bias, -bound, bound, generator);
}

}  // namespace gw::init
