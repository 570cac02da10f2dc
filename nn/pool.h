// Pooling layers, on inputs [N, C, H, W]. The options and what they throw: see kernels/pool.h.
#pragma once

#include "autograd/pool.h"
#include "nn/module.h"

namespace gw {

/// Mean of each window: AvgPool2d({.kernel = 2, .ceil_mode = true}).
struct AvgPool2d : Module {
  explicit AvgPool2d(AvgPoolOptions o) : options(o) {}
  Tensor forward(const Tensor& x) override { return avg_pool2d(x, options); }
  std::string extra_repr() const override;

  AvgPoolOptions options;
};

/// Largest element of each window.
struct MaxPool2d : Module {
  explicit MaxPool2d(PoolOptions o) : options(o) {}
  Tensor forward(const Tensor& x) override { return max_pool2d(x, options); }
  std::string extra_repr() const override;

  PoolOptions options;
};

/// Means of windows that divide the input evenly: -> [N, C, output_size.h, output_size.w].
struct AdaptiveAvgPool2d : Module {
  explicit AdaptiveAvgPool2d(Size2 output) : output_size(output) {}
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool2d(x, output_size); }
  std::string extra_repr() const override;

  Size2 output_size;
};

/// Mean over height and width: -> [N, C].
struct GlobalAvgPool : Module {
  Tensor forward(const Tensor& x) override { return global_avg_pool(x); }
};

/// Largest element over height and width: -> [N, C].
struct GlobalMaxPool : Module {
  Tensor forward(const Tensor& x) override { return adaptive_max_pool2d(x, 1).flatten(1); }
};

}  // namespace gw
