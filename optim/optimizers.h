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

struct RmspropOptions {
  double lr = 1e-2;
  double alpha = 0.99;  ///< decay of the average of squares; the hyper-parameter "beta2"
  double eps = 1e-8;
  double weight_decay = 0;  ///< as L2 penalty
  double momentum = 0;
  bool centred = false;  ///< divide by the deviation of the gradients instead of their root mean square
  bool fused = true;
};

/// RMSProp (Hinton, 2012; torch.optim.RMSprop). ConfigError for a value out of range. Centred, it has no fused kernel.
Optimizer rmsprop(std::vector<Tensor> params, const RmspropOptions& options = {});
Optimizer rmsprop(std::vector<ParamGroup> groups, const RmspropOptions& options = {});

struct LambOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-6;
  double weight_decay = 0;
  bool fused = true;
};

/// LAMB (You et al., 2019): Adam whose step is scaled to each parameter's own size; see lamb_step(). ConfigError for a
/// value out of range.
Optimizer lamb(std::vector<Tensor> params, const LambOptions& options = {});
Optimizer lamb(std::vector<ParamGroup> groups, const LambOptions& options = {});

struct LarsOptions {
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;
  double trust = 1e-3;  ///< the paper's eta
  bool fused = true;
};

/// LARS (You, Gitman and Ginsburg, 2017): momentum with a learning rate for each parameter; see lars_gradient().
/// ConfigError for a negative value.
Optimizer lars(std::vector<Tensor> params, const LarsOptions& options = {});
Optimizer lars(std::vector<ParamGroup> groups, const LarsOptions& options = {});

}  // namespace gw
