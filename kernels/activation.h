// Activations: GeneralRelu, alone or fused with the addition before it, and the smooth ones beyond sigmoid and tanh.
// All take f32 or bf16 tensors of any layout, compute in f32, and keep the memory layout of dense inputs. They throw
// DTypeError for integers, and ShapeError or DTypeError where two operands differ.
#pragma once

#include <optional>

#include "tensor/tensor.h"

namespace gw {

/// y = min((x > 0 ? x : leak * x) - sub, maxv): a leaky ReLU, shifted down so that activations have a mean near zero,
/// and clamped. The lesson's ResNets use leak 0.1 and sub 0.4.
struct GeneralReluOptions {
  float leak = 0;
  float sub = 0;
  std::optional<float> maxv = {};

  /// True if the sign of x can be read off y, so that the backward pass needs y only: no clamp, no negative slope.
  bool derivative_from_output() const { return !maxv && leak >= 0; }
};

}  // namespace gw

namespace gw::kernels {

/// GeneralRelu of each element. Where x > 0, y is rounded to above -sub even if x is too small to matter: then y > -sub
/// tells exactly that x > 0.
Tensor general_relu(const Tensor& x, const GeneralReluOptions& o);
/// dx = dy * (x > 0 ? 1 : leak), and 0 where y was clamped (at the bound itself the gradient passes, as in PyTorch).
Tensor general_relu_backward(const Tensor& dy, const Tensor& x, const GeneralReluOptions& o);
/// The same from y = general_relu(x). ConfigError unless o.derivative_from_output().
Tensor general_relu_backward_from_output(const Tensor& dy, const Tensor& y, const GeneralReluOptions& o);

/// general_relu(a + b) in one pass; a and b of one shape and dtype.
Tensor add_general_relu(const Tensor& a, const Tensor& b, const GeneralReluOptions& o);

/// Smooth and clipped activations with two parameters at most.
enum class Activation { silu, gelu, gelu_tanh, softplus, elu, hardtanh, mish };
/// What the activations of enum Activation read: softplus's beta and threshold, elu's alpha, or hardtanh's bounds.
struct ActivationParams {
  float a = 0;
  float b = 0;
};
Tensor activation(Activation f, const Tensor& x, ActivationParams p = {});
/// dx = dy * f'(x).
Tensor activation_backward(Activation f, const Tensor& dy, const Tensor& x, ActivationParams p = {});

}  // namespace gw::kernels
