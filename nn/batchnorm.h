// Batch normalisation layers.
#pragma once

#include <optional>

#include "autograd/batchnorm.h"
#include "nn/module.h"

namespace gw {

/// How a batch norm layer is made; PyTorch's defaults.
struct BatchNormLayerOptions {
  double eps = 1e-5;
  /// running = (1 - momentum) * running + momentum * batch. None: the average of all batches (reads a counter, and so
  /// waits for the device).
  std::optional<double> momentum = 0.1;
  bool affine = true;  ///< has a weight and a bias
  bool track_running_stats = true;
};

/// Normalises each channel by the statistics of the batch in training, by the running statistics otherwise (Ioffe &
/// Szegedy, "Batch normalization", 2015).
struct BatchNorm : Module {
  Tensor forward(const Tensor& x) override { return forward_fused(x, {}); }
  /// act(batch norm(x) + residual) in the same passes over memory; `residual` may be undefined, and so may `moments`,
  /// those of x.
  Tensor forward_fused(const Tensor& x, const std::optional<GeneralReluOptions>& act, const Tensor& residual = {},
                       const BatchMoments& moments = {});
  /// Whether it normalises by the statistics of the batch.
  bool uses_batch() const { return is_training() || !options.track_running_stats; }
  std::string extra_repr() const override;

  BatchNormLayerOptions options;
  int64_t num_features;
  Tensor weight, bias;               ///< [num_features], or undefined
  Tensor running_mean, running_var;  ///< [num_features], or undefined
  Tensor num_batches_tracked;        ///< i64 scalar, or undefined

 protected:
  BatchNorm(int64_t num_features, const BatchNormLayerOptions& o);
  /// ShapeError unless x has a number of dimensions that this layer takes.
  virtual void check_dims(const Tensor& x) const = 0;

 private:
  double next_momentum();
};

/// For [N, C] and [N, C, L].
struct BatchNorm1d : BatchNorm {
  explicit BatchNorm1d(int64_t num_features, BatchNormLayerOptions o = {}) : BatchNorm(num_features, o) {}

 protected:
  void check_dims(const Tensor& x) const override;
};

/// For [N, C, H, W].
struct BatchNorm2d : BatchNorm {
  explicit BatchNorm2d(int64_t num_features, BatchNormLayerOptions o = {}) : BatchNorm(num_features, o) {}

 protected:
  void check_dims(const Tensor& x) const override;
};

}  // namespace gw
