// The usual optimizers, with PyTorch's names and defaults.
#pragma once

#include "optim/optimizer.h"

namespace gw {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  ///< as L2 penalty
  bool nesterov = false;
  bool fused = true;
};

/// Stochastic gradient descent, with momentum unless that is 0 (torch.optim.SGD). ConfigError for a negative value, or
/// nesterov without momentum or with dampening.
Optimizer sgd(std::vector<Tensor> params, const SgdOptions& options = {});
Optimizer sgd(std::vector<ParamGroup> groups, const SgdOptions& options = {});

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  /// As L2 penalty for adam() (default 0), decoupled for adamw() (default 0.01).
  std::optional<double> weight_decay = {};
  bool fused = true;
};

/// Adam (Kingma and Ba, 2014; torch.optim.Adam). ConfigError for a value out of range.
Optimizer adam(std::vector<Tensor> params, const AdamOptions& options = {});
Optimizer adam(std::vector<ParamGroup> groups, const AdamOptions& options = {});

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2017; torch.optim.AdamW).
Optimizer adamw(std::vector<Tensor> params, const AdamOptions& options = {});
Optimizer adamw(std::vector<ParamGroup> groups, const AdamOptions& options = {});

}  // namespace gw
