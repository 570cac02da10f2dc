#include "autograd/activation.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "kernels/elementwise.h"

namespace gw {
namespace {

using kernels::Activation;
using kernels::ActivationParams;

Tensor smooth(const char* name, Activation f, const Tensor& x, ActivationParams p = {}) {
  Tensor y = kernels::activation(f, x, p);
  return record(name, y, {x},
                [f, p, x = saved(x)](const Tensor& dy) { return Grads{kernels::activation_backward(f, dy, x, p)}; });
}

}  // namespace

// Of input and output, the output is kept where it suffices: the next op usually keeps it as its own input.
Tensor general_relu(const Tensor& x, const GeneralReluOptions& o) {
  Tensor y = kernels::general_relu(x, o);
  if (o.derivative_from_output())
    return record("general_relu", y, {x}, [o, y = saved(y)](const Tensor& dy) {
      return Grads{kernels::general_relu_backward_from_output(dy, y, o)};
    });
  return record("general_relu", y, {x},
                [o, x = saved(x)](const Tensor& dy) { return Grads{kernels::general_relu_backward(dy, x, o)}; });
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return general_relu(x, {.leak = static_cast<float>(negative_slope)});
}

Tensor add_general_relu(const Tensor& a, const Tensor& b, const GeneralReluOptions& o) {
  if (!o.derivative_from_output()) return general_relu(a + b, o);
  Tensor y = kernels::add_general_relu(a, b, o);
  return record("add_general_relu", y, {a, b}, [o, y = saved(y)](const Tensor& dy) {
    const Tensor dsum = kernels::general_relu_backward_from_output(dy, y, o);
    return Grads{dsum, dsum};
  });
}

Tensor silu(const Tensor& x) { return smooth("silu", Activation::silu, x); }

Tensor gelu(const Tensor& x, GeluApproximation approximation) {
  return smooth("gelu", approximation == GeluApproximation::tanh ? Activation::gelu_tanh : Activation::gelu, x);
}

Tensor mish(const Tensor& x) { return smooth("mish", Activation::mish, x); }

Tensor softplus(const Tensor& x, double beta, double threshold) {
  if (!(beta > 0)) throw ConfigError(fmt::format("softplus: expected beta > 0, got {}", beta));
  return smooth("softplus", Activation::softplus, x, {static_cast<float>(beta), static_cast<float>(threshold)});
}

Tensor elu(const Tensor& x, double alpha) { return smooth("elu", Activation::elu, x, {static_cast<float>(alpha), 0}); }

Tensor hardtanh(const Tensor& x, double min, double max) {
  if (min > max) throw ConfigError(fmt::format("hardtanh: expected min <= max, got {} and {}", min, max));
  return smooth("hardtanh", Activation::hardtanh, x, {static_cast<float>(min), static_cast<float>(max)});
}

}  // namespace gw
