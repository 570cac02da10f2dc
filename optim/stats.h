// The statistics that the usual optimizers keep.
#pragma once

#include "optim/optimizer.h"

namespace gw {

/// "momentum_buffer": b = momentum b + (1 - dampening) g, starting as the first gradient (PyTorch's SGD).
Stat average_grad();
/// "exp_avg": m = beta1 m + (1 - beta1) g, starting at zero (Adam's first moment).
Stat damped_average_grad();
/// "exp_avg_sq": v = beta2 v + (1 - beta2) g^2, starting at zero (Adam's second moment).
Stat average_squared_grad();
/// "step": how many steps the parameter has taken, this one included.
Stat step_count();

}  // namespace gw
