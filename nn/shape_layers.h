// Layers without parameters that pass on, reshape, or call a function.
#pragma once

#include <functional>
#include <utility>

#include "nn/module.h"

namespace gw {

/// x itself.
struct Identity : Module {
  Tensor forward(const Tensor& x) override { return x; }
};

/// Joins the dimensions from start_dim to end_dim: [N, C, H, W] -> [N, C * H * W].
struct Flatten : Module {
  explicit Flatten(int64_t start = 1, int64_t end = -1) : start_dim(start), end_dim(end) {}
  Tensor forward(const Tensor& x) override { return x.flatten(start_dim, end_dim); }

  int64_t start_dim, end_dim;
};

/// Any function of one tensor: Lambda([](const Tensor& x) { return x.reshape({-1, 1, 28, 28}); }).
struct Lambda : Module {
  explicit Lambda(std::function<Tensor(const Tensor&)> f) : function(std::move(f)) {}
  Tensor forward(const Tensor& x) override { return function(x); }

  std::function<Tensor(const Tensor&)> function;
};

}  // namespace gw
