#include "nn/running_batchnorm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "autograd/arithmetic.h"
#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

constexpr double kLeastVariance = 0.01;
constexpr double kFewItems = 20;

/// Shape in which a vector over the channels spreads over x.
Shape along_channels(const Tensor& x) {
  Shape shape = Shape::filled(x.dim(), 1);
  shape[1] = x.size(1);
  return shape;
}

/// All dimensions but the channels.
Shape but_channels(const Tensor& x) {
  Shape dims{0};
  for (int64_t d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}

}  // namespace

RunningBatchNorm::RunningBatchNorm(int64_t features, RunningBatchNormOptions o) : options(o), num_features(features) {
  weight = register_parameter("weight", ones({features}));
  bias = register_parameter("bias", zeros({features}));
  sums = register_buffer("sums", zeros({features}));
  squares = register_buffer("squares", zeros({features}));
  count = register_buffer("count", zeros({}));
  items = register_buffer("items", zeros({}));
}

RunningBatchNorm::Statistics RunningBatchNorm::follow(const Tensor& x) {
  Tensor sum = sums, square = squares;
  if (is_training()) {
    const auto batch = static_cast<double>(x.size(0)), per_channel = static_cast<double>(x.numel()) / x.size(1);
    const double m = 1 - (1 - options.momentum) / std::sqrt(std::max(1.0, batch - 1));
    // The averages of before are clones: the backward pass may still need them when the buffers have moved on.
    sum = sums.clone() * (1 - m) + x.sum(but_channels(x)) * m;
    square = squares.clone() * (1 - m) + (x * x).sum(but_channels(x)) * m;
    const NoGrad no_grad;
    sums.copy_(sum.detach());
    squares.copy_(square.detach());
    count.mul_(1 - m).add_(per_channel * m);
    items.add_(batch);
  }
  // All three averages start at zero and have the same weights, so that what debiasing divides them by cancels here.
  const Tensor mean = sum / count.clone(), variance = square / count.clone() - mean * mean;
  const Tensor least = (items <= kFewItems).to(DType::f32) * kLeastVariance;
  return {mean, maximum(variance, least)};
}

Tensor RunningBatchNorm::forward(const Tensor& x) {
  if (x.dim() < 2 || x.size(1) != num_features)
    throw ShapeError(
        fmt::format("RunningBatchNorm: expected [N, {}, ...], got {}", num_features, x.shape().to_string()));
  if (x.numel() == 0) return x;
  const Tensor wide = x.to(DType::f32);
  const auto [mean, variance] = follow(wide);
  const Tensor factor = weight * (variance + options.eps).rsqrt(), offset = bias - mean * factor;
  const Shape spread = along_channels(x);
  return (wide * factor.reshape(spread) + offset.reshape(spread)).to(x.dtype());
}

std::string RunningBatchNorm::extra_repr() const {
  return fmt::format("{}, eps={:g}, momentum={:g}", num_features, options.eps, options.momentum);
}

}  // namespace gw
