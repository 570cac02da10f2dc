#include "autograd/batchnorm.h"

#include "autograd/activation.h"
#include "autograd/autograd.h"

namespace gw {

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                  const Tensor& bias, const BatchNormOptions& o, const std::optional<GeneralReluOptions>& act,
                  const Tensor& residual, const BatchMoments& moments) {
  const bool has_residual = residual.defined();
  // After a residual the backward pass reads the sign of the activation's input off the output, where it can.
  if (act && has_residual && !act->derivative_from_output())
    return general_relu(batch_norm(x, running_mean, running_var, weight, bias, o, {}, residual, moments), *act);

  auto [y, mean, invstd] =
      kernels::batch_norm_forward(x, weight, bias, running_mean, running_var, o, act, residual, moments);
  const Tensor kept_output = act && has_residual ? y : Tensor{};
  return record("batch_norm", y, {x, weight, bias, residual},
                [x = saved(x), weight = saved(weight), bias = saved(bias), mean = saved(mean), invstd = saved(invstd),
                 y = saved(kept_output), training = o.training, need_dx = x.requires_grad(), act,
                 has_residual](const Tensor& dy) {
                  const kernels::BatchNormSaved kept{x, weight, bias, mean, invstd, y};
                  kernels::BatchNormGrads g =
                      kernels::batch_norm_backward(dy, kept, training, need_dx, act, has_residual);
                  return Grads{g.dx, g.dweight, g.dbias, g.dresidual};
                });
}

}  // namespace gw
