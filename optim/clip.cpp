#include "optim/clip.h"

#include <fmt/format.h>

#include <cmath>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {

Tensor clip_grad_norm_(std::span<const Tensor> params, double max_norm) {
  if (!(max_norm > 0) || !std::isfinite(max_norm))
    throw ConfigError(fmt::format("clip_grad_norm_: expected a norm above 0, got {:g}", max_norm));
  const NoGrad no_grad;
  Tensor squares;
  for (const Tensor& p : params) {
    const Tensor g = p.grad();
    if (!g.defined()) continue;
    const Tensor square = (g * g).to(DType::f32).sum();
    squares = squares.defined() ? squares + square : square;
  }
  if (!squares.defined()) return scalar(0);
  const Tensor norm = squares.sqrt();
  // The factor stays on the device: whether to clip is decided there.
  const Tensor factor = (max_norm / (norm + 1e-6)).clamp({}, 1.0);
  for (const Tensor& p : params)
    if (p.grad().defined()) p.grad().mul_(factor);
  return norm;
}

}  // namespace gw
