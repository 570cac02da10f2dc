// Linear: the fully connected layer.
#pragma once

#include "nn/module.h"

namespace gw {

/// x W^T + b: [..., in_features] -> [..., out_features].
struct Linear : Module {
  Linear(int64_t in_features, int64_t out_features, bool bias = true);
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  Tensor weight;  ///< [out_features, in_features]
  Tensor bias;    ///< [out_features], or undefined
};

}  // namespace gw
