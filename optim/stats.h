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
/// "grad_avg": beta2 m + (1 - beta2) g, starting at zero: what a centred RMSProp takes off the squares.
Stat centred_average_grad();
/// "momentum_buffer": b = momentum b + g / (sqrt(v) + eps) with v from average_squared_grad(), which must come before
/// (centred_average_grad() too, if it is to be centred), starting at zero (RMSProp with momentum).
Stat average_scaled_grad();
/// "step": how many steps the parameter has taken, this one included.
Stat step_count();

/// sqrt(v) + eps with v from average_squared_grad(), less the square of centred_average_grad() if that is kept.
Tensor root_of_squares(const ParamState& state, const Hypers& hypers);

}  // namespace gw
