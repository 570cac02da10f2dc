#include "kernels/groupnorm.h"

#include <fmt/format.h>

#include "kernels/channels_last.h"
#include "kernels/cpu/groupnorm.h"
#include "kernels/cuda/groupnorm.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

void check_vector(const Tensor& t, const char* name, int64_t channels) {
  if (!t.defined()) return;
  if (t.shape() != Shape{channels})
    throw ShapeError(fmt::format("group_norm: {} has shape {}, expected [{}], the input's channels", name,
                                 t.shape().to_string(), channels));
  if (t.dtype() != DType::f32)
    throw DTypeError(fmt::format("group_norm: {} is {}, expected f32", name, name_of(t.dtype())));
}

void check_input(const Tensor& x, int64_t groups) {
  if (x.dim() < 2 || x.dim() > 4)
    throw ShapeError(
        fmt::format("group_norm: expected [N, C], [N, C, L] or [N, C, H, W], got {}", x.shape().to_string()));
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("group_norm: expected f32 or bf16, got {}", name_of(x.dtype())));
  if (groups < 1 || x.size(1) % groups != 0)
    throw ShapeError(fmt::format("group_norm: {} channels cannot be split into {} groups", x.size(1), groups));
}

void check_like(const Tensor& dy, const Tensor& x) {
  if (dy.shape() != x.shape())
    throw ShapeError(fmt::format("group_norm: the output's gradient has shape {}, expected {}, the input's",
                                 dy.shape().to_string(), x.shape().to_string()));
  if (dy.dtype() != x.dtype())
    throw DTypeError(fmt::format("group_norm: the output's gradient is {}, expected {}, the input's",
                                 name_of(dy.dtype()), name_of(x.dtype())));
}

GroupNormShape shape_of(const Tensor& x, int64_t groups) {
  const int64_t channels = x.size(1);
  return {x.size(0), x.numel() / std::max<int64_t>(1, x.size(0) * channels), channels, groups};
}

/// A vector as kernels read it: gapless.
Tensor packed(const Tensor& t) { return t.defined() ? contiguous(t) : t; }

}  // namespace

GroupNormResult group_norm_forward(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                                   double eps) {
  check_input(x, groups);
  check_vector(weight, "weight", x.size(1));
  check_vector(bias, "bias", x.size(1));
  check_same_device("group_norm", {&x, &weight, &bias});
  const Tensor rows = rows_of(x);
  const TensorOptions f32{.dtype = DType::f32, .device = x.device()};
  const GroupNormResult out{empty_like(rows), empty({x.size(0), groups}, f32), empty({x.size(0), groups}, f32)};
  if (x.numel() == 0) return {channels_to_front(out.y), zeros_like(out.mean), ones_like(out.invstd)};
  GW_DISPATCH(x, group_norm_forward(out, rows, packed(weight), packed(bias), shape_of(x, groups), eps));
  return {channels_to_front(out.y), out.mean, out.invstd};
}

GroupNormGrads group_norm_backward(const Tensor& dy, const GroupNormSaved& saved, bool need_dx, bool need_affine) {
  check_like(dy, saved.x);
  const TensorOptions f32{.dtype = DType::f32, .device = dy.device()};
  GroupNormGrads grads;
  if (need_affine) {
    grads.dweight = empty({dy.size(1)}, f32);
    grads.dbias = empty({dy.size(1)}, f32);
  }
  if (dy.numel() == 0) {
    for (const Tensor* t : {&grads.dweight, &grads.dbias})
      if (t->defined()) fill(*t, 0);
    if (need_dx) grads.dx = dy;
    return grads;
  }
  const Tensor x = rows_of(saved.x), g = rows_of(dy), weight = packed(saved.weight);
  if (need_dx) grads.dx = empty_like(g);
  const GroupNormSaved rows{x, weight, saved.mean, saved.invstd};
  GW_DISPATCH(dy, group_norm_backward(grads, g, rows, shape_of(dy, saved.mean.size(1))));
  if (need_dx) grads.dx = channels_to_front(grads.dx);
  return grads;
}

}  // namespace gw::kernels
