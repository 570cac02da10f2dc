#include "nn/fusion.h"

#include <typeinfo>

namespace gw {
namespace {

/// The module as a Base, if it is exactly one of Kinds and has no hooks.
template <class Base, class... Kinds>
Base* unwatched(Module& module) {
  const std::type_info& type = typeid(module);
  const bool known = ((type == typeid(Kinds)) || ...);
  return known && !module.has_hooks() ? static_cast<Base*>(&module) : nullptr;
}

}  // namespace

Conv2d* fusable_conv(Module& module) { return unwatched<Conv2d, Conv2d>(module); }
BatchNorm* fusable_norm(Module& module) { return unwatched<BatchNorm, BatchNorm1d, BatchNorm2d>(module); }
GeneralRelu* fusable_act(Module& module) { return unwatched<GeneralRelu, GeneralRelu, ReLU, LeakyReLU>(module); }

Tensor forward_before_norm(Module& layer, Module* norm, const Tensor& x, BatchMoments& moments) {
  const Conv2d* conv = fusable_conv(layer);
  const BatchNorm* batch_norm = norm ? fusable_norm(*norm) : nullptr;
  return conv && batch_norm && batch_norm->uses_batch() ? conv->forward_with_moments(x, &moments) : layer(x);
}

Tensor norm_add_act(const Tensor& x, Module* norm, const Tensor& residual, Module* act, const BatchMoments& moments) {
  BatchNorm* batch_norm = norm ? fusable_norm(*norm) : nullptr;
  const GeneralRelu* relu = act ? fusable_act(*act) : nullptr;
  // After an addition the activation's input cannot be computed again, so its output must tell the derivative.
  const bool adds = residual.defined();
  const bool fuses_act = relu && (!adds || relu->options.derivative_from_output());
  if (batch_norm && fuses_act) return batch_norm->forward_fused(x, relu->options, residual, moments);
  if (batch_norm && !act && adds) return batch_norm->forward_fused(x, {}, residual, moments);
  const Tensor y = norm ? (*norm)(x) : x;
  if (adds && fuses_act) return add_general_relu(y, residual, relu->options);
  const Tensor sum = adds ? y + residual : y;
  return act ? (*act)(sum) : sum;
}

}  // namespace gw
