// Layers that normalise each sample by itself, in training and evaluation alike.
#pragma once

#include "autograd/groupnorm.h"
#include "nn/module.h"

namespace gw {

/// How a group or layer norm is made; PyTorch's defaults.
struct GroupNormLayerOptions {
  double eps = 1e-5;
  bool affine = true;  ///< has a weight and a bias
};

/// Over groups of channels, each C / num_groups, and all of their positions (Wu and He, 2018). One group is the
/// lesson's layer norm over C, H and W, with a weight for each channel.
struct GroupNorm : Module {
  /// ConfigError if `num_groups` does not divide `num_channels`.
  GroupNorm(int64_t num_groups, int64_t num_channels, GroupNormLayerOptions o = {});
  Tensor forward(const Tensor& x) override { return group_norm(x, num_groups, weight, bias, options.eps); }
  std::string extra_repr() const override;

  GroupNormLayerOptions options;
  int64_t num_groups, num_channels;
  Tensor weight, bias;  ///< [num_channels], or undefined
};

/// Over the last dimensions (Ba, Kiros and Hinton, 2016).
struct LayerNorm : Module {
  explicit LayerNorm(Shape normalized_shape, GroupNormLayerOptions o = {});
  Tensor forward(const Tensor& x) override { return layer_norm(x, normalized_shape, weight, bias, options.eps); }
  std::string extra_repr() const override;

  GroupNormLayerOptions options;
  Shape normalized_shape;
  Tensor weight, bias;  ///< of that shape, or undefined
};

/// How an instance norm is made; PyTorch's defaults.
struct InstanceNormLayerOptions {
  double eps = 1e-5;
  double momentum = 0.1;             ///< of the running statistics, if they are tracked
  bool affine = false;               ///< has a weight and a bias
  bool track_running_stats = false;  ///< and normalise by them in evaluation
};

/// Over the positions of each channel (Ulyanov, Vedaldi and Lempitsky, 2016). Inputs without a batch dimension are a
/// batch of one.
struct InstanceNorm : Module {
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  InstanceNormLayerOptions options;
  int64_t num_features;
  Tensor weight, bias;               ///< [num_features], or undefined
  Tensor running_mean, running_var;  ///< likewise
  Tensor num_batches_tracked;        ///< i64 scalar, or undefined

 protected:
  /// `dims`: of an input with its batch.
  InstanceNorm(const char* name, int64_t dims, int64_t num_features, const InstanceNormLayerOptions& o);

 private:
  const char* name_;
  int64_t dims_;
};

/// For [N, C, L].
struct InstanceNorm1d : InstanceNorm {
  explicit InstanceNorm1d(int64_t num_features, InstanceNormLayerOptions o = {})
      : InstanceNorm("InstanceNorm1d", 3, num_features, o) {}
};

/// For [N, C, H, W].
struct InstanceNorm2d : InstanceNorm {
  explicit InstanceNorm2d(int64_t num_features, InstanceNormLayerOptions o = {})
      : InstanceNorm("InstanceNorm2d", 4, num_features, o) {}
};

}  // namespace gw
