#include "kernels/batchnorm.h"

#include <fmt/format.h>

#include "kernels/channels_last.h"
#include "kernels/cpu/batchnorm.h"
#include "kernels/cuda/batchnorm.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

void check_vector(const Tensor& t, const char* name, int64_t channels) {
  if (!t.defined()) return;
  if (t.shape() != Shape{channels})
    throw ShapeError(fmt::format("batch_norm: {} has shape {}, expected [{}], the input's channels", name,
                                 t.shape().to_string(), channels));
  if (t.dtype() != DType::f32)
    throw DTypeError(fmt::format("batch_norm: {} is {}, expected f32", name, name_of(t.dtype())));
}

/// `t` is of the shape and dtype of x.
void check_like(const Tensor& t, const char* name, const Tensor& x) {
  if (t.shape() != x.shape())
    throw ShapeError(fmt::format("batch_norm: {} has shape {}, expected {}, the input's", name, t.shape().to_string(),
                                 x.shape().to_string()));
  if (t.dtype() != x.dtype())
    throw DTypeError(
        fmt::format("batch_norm: {} is {}, expected {}, the input's", name, name_of(t.dtype()), name_of(x.dtype())));
}

void check_input(const Tensor& x) {
  if (x.dim() < 2 || x.dim() > 4)
    throw ShapeError(
        fmt::format("batch_norm: expected [N, C], [N, C, L] or [N, C, H, W], got {}", x.shape().to_string()));
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("batch_norm: expected f32 or bf16, got {}", name_of(x.dtype())));
}

void check_statistics(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, bool training) {
  if (running_mean.defined() != running_var.defined())
    throw ConfigError("batch_norm: expected both of running mean and running variance or neither, got one");
  if (!training && !running_mean.defined())
    throw ConfigError("batch_norm: inference needs running statistics, got none");
  if (training && x.numel() == x.size(1))
    throw ShapeError(fmt::format("batch_norm: expected more than 1 value per channel when training, got input size {}",
                                 x.shape().to_string()));
}

Tensor vector_like(const Tensor& x) { return empty({x.size(1)}, {.dtype = DType::f32, .device = x.device()}); }

/// A vector as kernels read it: gapless.
Tensor packed(const Tensor& t) { return t.defined() ? contiguous(t) : t; }

/// The batch's statistics into mean and invstd; the running ones are updated in place, whatever their strides.
void batch_statistics(const Tensor& mean, const Tensor& invstd, const Tensor& running_mean, const Tensor& running_var,
                      const Tensor& rows, const BatchNormOptions& o, const BatchMoments& moments) {
  const Tensor m = packed(running_mean), v = packed(running_var);
  if (moments.defined() && rows.device().is_cpu())
    cpu::batch_norm_statistics(mean, invstd, m, v, {packed(moments.mean), packed(moments.variance)},
                               rows.numel() / mean.numel(), o);
  else
    GW_DISPATCH(rows, batch_norm_statistics(mean, invstd, m, v, rows, o));
  if (!m.defined()) return;
  if (m.raw() != running_mean.raw()) copy(running_mean, m);
  if (v.raw() != running_var.raw()) copy(running_var, v);
  running_mean.storage()->bump_version();
  running_var.storage()->bump_version();
}

}  // namespace

BatchNormResult batch_norm_forward(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                   const Tensor& running_mean, const Tensor& running_var, const BatchNormOptions& o,
                                   const std::optional<GeneralReluOptions>& act, const Tensor& residual,
                                   const BatchMoments& moments) {
  check_input(x);
  const int64_t channels = x.size(1);
  check_vector(weight, "weight", channels);
  check_vector(bias, "bias", channels);
  check_vector(running_mean, "running mean", channels);
  check_vector(running_var, "running variance", channels);
  check_vector(moments.mean, "moments' mean", channels);
  check_vector(moments.variance, "moments' variance", channels);
  if (residual.defined()) check_like(residual, "residual", x);
  if (moments.mean.defined() != moments.variance.defined())
    throw ConfigError("batch_norm: expected both of the moments' mean and variance or neither, got one");
  check_same_device("batch_norm",
                    {&x, &weight, &bias, &running_mean, &running_var, &residual, &moments.mean, &moments.variance});
  check_statistics(x, running_mean, running_var, o.training);

  const Tensor rows = rows_of(x), y = empty_like(rows);
  Tensor mean = vector_like(x), invstd = vector_like(x);
  if (x.numel() == 0) return {channels_to_front(y), zeros_like(mean), ones_like(invstd)};
  if (o.training) {
    batch_statistics(mean, invstd, running_mean, running_var, rows, o, moments);
  } else {
    copy(mean, running_mean);
    invstd = unary(Unary::rsqrt, add(packed(running_var), o.eps));
  }
  GW_DISPATCH(x, batch_norm_apply(y, rows, rows_of(residual), packed(weight), packed(bias), mean, invstd, act));
  return {channels_to_front(y), mean, invstd};
}

BatchNormGrads batch_norm_backward(const Tensor& dy, const BatchNormSaved& saved, bool training, bool need_dx,
                                   const std::optional<GeneralReluOptions>& act, bool has_residual) {
  check_like(dy, "the output's gradient", saved.x);
  const bool from_output = act && has_residual;
  if (from_output && !act->derivative_from_output())
    throw ConfigError("batch_norm_backward: with a residual, expected an activation with leak >= 0 and no maxv");
  BatchNormGrads grads{{}, vector_like(dy), vector_like(dy), {}};
  if (dy.numel() == 0) {
    fill(grads.dweight, 0);
    fill(grads.dbias, 0);
    if (need_dx) grads.dx = dy;
    if (has_residual) grads.dresidual = dy;
    return grads;
  }
  const Tensor x = rows_of(saved.x), y = from_output ? rows_of(saved.y) : Tensor{}, g = rows_of(dy);
  const Tensor weight = packed(saved.weight), bias = packed(saved.bias);
  const BatchNormSaved rows{x, weight, bias, saved.mean, saved.invstd, y};
  const Tensor dz = from_output ? empty_like(g) : Tensor{};
  // With a residual and no activation, dz is dy itself.
  const std::optional<GeneralReluOptions> recomputed = has_residual ? std::nullopt : act;
  GW_DISPATCH(dy, batch_norm_backward_sums(grads.dweight, grads.dbias, dz, g, rows, act));
  if (has_residual) grads.dresidual = dz.defined() ? channels_to_front(dz) : dy;
  if (!need_dx) return grads;
  const Tensor dx = empty_like(g);
  GW_DISPATCH(
      dy, batch_norm_backward_input(dx, dz.defined() ? dz : g, rows, grads.dweight, grads.dbias, training, recomputed));
  grads.dx = channels_to_front(dx);
  return grads;
}

}  // namespace gw::kernels
