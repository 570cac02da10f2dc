#include "autograd/dropout.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "kernels/dropout.h"

namespace gw {
namespace {

void check_probability(const char* op, double p) {
  if (!(p >= 0 && p <= 1)) throw ConfigError(fmt::format("{}: expected a probability in [0, 1], got {:g}", op, p));
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training, Generator& generator) {
  check_probability("dropout", p);
  if (!training || p == 0) return x;
  const PhiloxState state = generator.reserve(x.numel());
  return record("dropout", kernels::dropout(x, p, state), {x},
                [p, state](const Tensor& dy) { return Grads{kernels::dropout(dy, p, state)}; });
}

Tensor dropout2d(const Tensor& x, double p, bool training, Generator& generator) {
  check_probability("dropout2d", p);
  if (!training || p == 0) return x;
  if (x.dim() < 2) throw ShapeError(fmt::format("dropout2d: expected [N, C, ...], got {}", x.shape().to_string()));
  const PhiloxState state = generator.reserve(x.size(0) * x.size(1));
  return record("dropout2d", kernels::dropout_channels(x, p, state), {x},
                [p, state](const Tensor& dy) { return Grads{kernels::dropout_channels(dy, p, state)}; });
}

}  // namespace gw
