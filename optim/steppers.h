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

}  // namespace gw
