// Dropout layers: they act in training mode only.
#pragma once

#include "nn/module.h"

namespace gw {

/// Zeroes each element with probability p and scales the others by 1 / (1 - p).
struct Dropout : Module {
  explicit Dropout(double probability = 0.5);
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  double p;
};

/// The same with whole channels of [N, C, ...].
struct Dropout2d : Dropout {
  using Dropout::Dropout;
  Tensor forward(const Tensor& x) override;
};

}  // namespace gw
