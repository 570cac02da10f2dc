// SqueezeExcite: channels weighed by what the whole image looks like.
#pragma once

#include "nn/linear.h"

namespace gw {

/// x scaled by sigmoid(fc2(relu(fc1(mean of x over H and W)))), a factor between 0 and 1 for each channel of each
/// image: [N, C, H, W] -> [N, C, H, W] (Hu et al., "Squeeze-and-excitation networks", 2018).
struct SqueezeExcite : Module {
  /// fc1 narrows the channels `reduction` times, to no less than 4. ConfigError unless both numbers are positive.
  explicit SqueezeExcite(int64_t channels, int64_t reduction = 16);
  Tensor forward(const Tensor& x) override;

  std::shared_ptr<Linear> fc1, fc2;
};

}  // namespace gw
