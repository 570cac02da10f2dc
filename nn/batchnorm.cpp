#include "nn/batchnorm.h"

#include <fmt/format.h>

#include "tensor/creation.h"

namespace gw {

BatchNorm::BatchNorm(int64_t features, const BatchNormLayerOptions& o) : options(o), num_features(features) {
  if (o.affine) {
    weight = register_parameter("weight", ones({features}));
    bias = register_parameter("bias", zeros({features}));
  }
  if (o.track_running_stats) {
    running_mean = register_buffer("running_mean", zeros({features}));
    running_var = register_buffer("running_var", ones({features}));
    num_batches_tracked = register_buffer("num_batches_tracked", zeros({}, {.dtype = DType::i64}));
  }
}

Tensor BatchNorm::forward_fused(const Tensor& x, const std::optional<GeneralReluOptions>& act, const Tensor& residual,
                                const BatchMoments& moments) {
  check_dims(x);
  BatchNormOptions o{.training = uses_batch(), .eps = options.eps};
  if (is_training() && options.track_running_stats) o.momentum = next_momentum();
  return batch_norm(x, running_mean, running_var, weight, bias, o, act, residual, moments);
}

/// Counts this batch, and says how much it weighs in the running statistics.
double BatchNorm::next_momentum() {
  num_batches_tracked.add_(1);
  return options.momentum ? *options.momentum : 1 / num_batches_tracked.item();
}

std::string BatchNorm::extra_repr() const {
  const std::string momentum = options.momentum ? fmt::format("{}", *options.momentum) : "None";
  const auto python = [](bool b) { return b ? "True" : "False"; };
  return fmt::format("{}, eps={:g}, momentum={}, affine={}, track_running_stats={}", num_features, options.eps,
                     momentum, python(options.affine), python(options.track_running_stats));
}

void BatchNorm1d::check_dims(const Tensor& x) const {
  if (x.dim() != 2 && x.dim() != 3)
    throw ShapeError(fmt::format("BatchNorm1d: expected an input of 2 or 3 dimensions, got {}", x.shape().to_string()));
}

void BatchNorm2d::check_dims(const Tensor& x) const {
  if (x.dim() != 4)
    throw ShapeError(fmt::format("BatchNorm2d: expected an input of 4 dimensions, got {}", x.shape().to_string()));
}

}  // namespace gw
