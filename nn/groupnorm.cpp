#include "nn/groupnorm.h"

#include <fmt/format.h>

#include "tensor/creation.h"

namespace gw {
namespace {

const char* python(bool b) { return b ? "True" : "False"; }

}  // namespace

GroupNorm::GroupNorm(int64_t groups, int64_t channels, GroupNormLayerOptions o)
    : options(o), num_groups(groups), num_channels(channels) {
  if (groups < 1 || channels % groups != 0)
    throw ConfigError(fmt::format("GroupNorm: {} channels cannot be split into {} groups", channels, groups));
  if (!o.affine) return;
  weight = register_parameter("weight", ones({channels}));
  bias = register_parameter("bias", zeros({channels}));
}

std::string GroupNorm::extra_repr() const {
  return fmt::format("{}, {}, eps={:g}, affine={}", num_groups, num_channels, options.eps, python(options.affine));
}

LayerNorm::LayerNorm(Shape shape, GroupNormLayerOptions o) : options(o), normalized_shape(std::move(shape)) {
  if (!o.affine) return;
  weight = register_parameter("weight", ones(normalized_shape));
  bias = register_parameter("bias", zeros(normalized_shape));
}

std::string LayerNorm::extra_repr() const {
  std::string shape = normalized_shape.to_string();
  const std::string inner = shape.substr(1, shape.size() - 2);
  return fmt::format("({}{}), eps={:g}, elementwise_affine={}", inner, normalized_shape.size() == 1 ? "," : "",
                     options.eps, python(options.affine));
}

InstanceNorm::InstanceNorm(const char* name, int64_t dims, int64_t features, const InstanceNormLayerOptions& o)
    : options(o), num_features(features), name_(name), dims_(dims) {
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

Tensor InstanceNorm::forward(const Tensor& x) {
  if (x.dim() == dims_ - 1) return forward(x.unsqueeze(0)).squeeze(0);
  if (x.dim() != dims_)
    throw ShapeError(
        fmt::format("{}: expected an input of {} dimensions, got {}", name_, dims_, x.shape().to_string()));
  const bool use_input_stats = is_training() || !options.track_running_stats;
  if (is_training() && options.track_running_stats) num_batches_tracked.add_(1);
  return instance_norm(x, running_mean, running_var, weight, bias,
                       {.use_input_stats = use_input_stats, .momentum = options.momentum, .eps = options.eps});
}

std::string InstanceNorm::extra_repr() const {
  return fmt::format("{}, eps={:g}, momentum={:g}, affine={}, track_running_stats={}", num_features, options.eps,
                     options.momentum, python(options.affine), python(options.track_running_stats));
}

}  // namespace gw
