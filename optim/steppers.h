// The steps that the usual optimizers take.
#pragma once

#include "optim/optimizer.h"

namespace gw {

/// p -= lr g.
Stepper sgd_step();
/// p *= 1 - lr weight_decay: decay that does not pass through the statistics (AdamW).
Stepper weight_decay();
/// g += weight_decay p, before the statistics: the gradient of weight_decay / 2 |p|^2.
Stepper l2_reg();
/// p -= lr b with b from average_grad(); with nesterov 1, p -= lr (g + momentum b).
Stepper momentum_step();
/// p -= lr m' / (sqrt(v') + eps), where m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t), with m, v and t from
/// damped_average_grad(), average_squared_grad() and step_count() (Kingma and Ba, 2014).
Stepper adam_step();
/// p -= lr g / (sqrt(v) + eps) with v from average_squared_grad(), or p -= lr b with b from average_scaled_grad() where
/// that is kept (Hinton, 2012).
Stepper rmsprop_step();
/// p -= lr ratio u, where u = m' / (sqrt(v') + eps) + weight_decay p is Adam's step with decay, and the ratio that of
/// the root mean squares of p and u, at most 10, and 1 where either is zero (You et al., "Large batch optimization for
/// deep learning", 2019).
Stepper lamb_step();
/// g = lr rate (g + weight_decay p), before the statistics, with the local rate trust |p| / (|g| + weight_decay |p|),
/// or 1 where either norm is zero (You, Gitman and Ginsburg, "Large batch training of convolutional networks", 2017).
Stepper lars_gradient();
/// p -= b with b from average_grad(): for gradients that are scaled by the learning rate already.
Stepper average_step();

}  // namespace gw
