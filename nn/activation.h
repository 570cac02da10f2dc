// Activation layers. Sequential and ResBlock run GeneralRelu and ReLU fused with the batch norm or the addition before
// them.
#pragma once

#include "autograd/activation.h"
#include "nn/module.h"

namespace gw {

/// min((x > 0 ? x : leak * x) - sub, maxv): GeneralRelu({.leak = 0.1, .sub = 0.4}).
struct GeneralRelu : Module {
  explicit GeneralRelu(GeneralReluOptions o = {}) : options(o) {}
  Tensor forward(const Tensor& x) override { return general_relu(x, options); }
  std::string extra_repr() const override;

  GeneralReluOptions options;
};

/// max(x, 0): the GeneralRelu that has no leak and no shift.
struct ReLU : GeneralRelu {
  std::string extra_repr() const override { return ""; }
};

/// x > 0 ? x : negative_slope * x.
struct LeakyReLU : GeneralRelu {
  explicit LeakyReLU(double negative_slope = 0.01) : GeneralRelu({.leak = static_cast<float>(negative_slope)}) {}
  std::string extra_repr() const override;
};

/// x * sigmoid(x), also called swish.
struct SiLU : Module {
  Tensor forward(const Tensor& x) override { return silu(x); }
};

/// x * Phi(x), or its tanh approximation.
struct GELU : Module {
  explicit GELU(GeluApproximation a = GeluApproximation::none) : approximation(a) {}
  Tensor forward(const Tensor& x) override { return gelu(x, approximation); }
  std::string extra_repr() const override;

  GeluApproximation approximation;
};

/// x * tanh(softplus(x)).
struct Mish : Module {
  Tensor forward(const Tensor& x) override { return mish(x); }
};

/// 1 / (1 + exp(-x)).
struct Sigmoid : Module {
  Tensor forward(const Tensor& x) override { return x.sigmoid(); }
};

/// The hyperbolic tangent.
struct Tanh : Module {
  Tensor forward(const Tensor& x) override { return x.tanh(); }
};

}  // namespace gw
