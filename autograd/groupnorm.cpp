#include "autograd/groupnorm.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "autograd/batchnorm.h"
#include "kernels/groupnorm.h"

namespace gw {
namespace {

using kernels::GroupNormResult;

GroupNormResult recorded_group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                                    double eps) {
  GroupNormResult out = kernels::group_norm_forward(x, groups, weight, bias, eps);
  const auto wants = [](const Tensor& t) { return t.defined() && t.requires_grad(); };
  out.y = record(
      "group_norm", out.y, {x, weight, bias},
      [x = saved(x), weight = saved(weight), mean = saved(out.mean), invstd = saved(out.invstd), need_dx = wants(x),
       need_affine = wants(weight) || wants(bias)](const Tensor& dy) {
        kernels::GroupNormGrads g = kernels::group_norm_backward(dy, {x, weight, mean, invstd}, need_dx, need_affine);
        return Grads{g.dx, g.dweight, g.dbias};
      });
  return out;
}

/// Running statistics follow the mean over the samples of the input's.
void follow(const Tensor& running_mean, const Tensor& running_var, const GroupNormResult& out, int64_t count,
            const InstanceNormOptions& o) {
  const NoGrad no_grad;
  const Tensor biased = out.invstd.pow(-2) - o.eps;
  const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
  Tensor mean = running_mean, var = running_var;
  mean.mul_(1 - o.momentum).add_(out.mean.mean({0}), o.momentum);
  var.mul_(1 - o.momentum).add_(biased.mean({0}), o.momentum * unbiased);
}

}  // namespace

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  if (x.dim() <= 4) return recorded_group_norm(x, groups, weight, bias, eps).y;
  const int64_t spatial = Shape(x.shape().begin() + 2, x.shape().end()).numel();
  return group_norm(x.reshape({x.size(0), x.size(1), spatial}), groups, weight, bias, eps).reshape(x.shape());
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const int64_t dims = normalized_shape.size(), lead = x.dim() - dims;
  if (dims < 1 || lead < 0 || Shape(x.shape().end() - dims, x.shape().end()) != normalized_shape)
    throw ShapeError(fmt::format("layer_norm: expected an input that ends in {}, got {}", normalized_shape.to_string(),
                                 x.shape().to_string()));
  for (const Tensor* t : {&weight, &bias})
    if (t->defined() && t->shape() != normalized_shape)
      throw ShapeError(fmt::format("layer_norm: expected a weight and a bias of shape {}, got {}",
                                   normalized_shape.to_string(), t->shape().to_string()));
  // Images are normalised in the order in which they lie in memory; the order changes nothing else.
  if (dims == 3 && lead == 1 && !x.is_contiguous() && x.permute({0, 2, 3, 1}).is_contiguous()) {
    const auto channels_last = [](const Tensor& t) { return t.defined() ? t.permute({1, 2, 0}) : t; };
    const Shape permuted{normalized_shape[1], normalized_shape[2], normalized_shape[0]};
    return layer_norm(x.permute({0, 2, 3, 1}), permuted, channels_last(weight), channels_last(bias), eps)
        .permute({0, 3, 1, 2});
  }
  const auto flat = [](const Tensor& t) { return t.defined() ? t.reshape({t.numel()}) : t; };
  const Shape lines(x.shape().begin(), x.shape().end() - dims);
  return group_norm(x.reshape({lines.numel(), normalized_shape.numel()}), 1, flat(weight), flat(bias), eps)
      .reshape(x.shape());
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                     const Tensor& bias, const InstanceNormOptions& o) {
  if (running_mean.defined() != running_var.defined())
    throw ConfigError("instance_norm: expected both of running mean and running variance or neither, got one");
  if (!o.use_input_stats)
    return batch_norm(x, running_mean, running_var, weight, bias, {.training = false, .eps = o.eps});
  if (x.dim() != 3 && x.dim() != 4)
    throw ShapeError(fmt::format("instance_norm: expected [N, C, L] or [N, C, H, W], got {}", x.shape().to_string()));
  const int64_t spatial = Shape(x.shape().begin() + 2, x.shape().end()).numel();
  if (spatial == 1)
    throw ShapeError(
        fmt::format("instance_norm: expected more than 1 number per channel, got {}", x.shape().to_string()));
  const GroupNormResult out = recorded_group_norm(x, x.size(1), weight, bias, o.eps);
  if (running_mean.defined()) follow(running_mean, running_var, out, spatial, o);
  return out.y;
}

}  // namespace gw
