// The CPU's recurrent layers. All tensors are contiguous, activations of one floating dtype, weight and bias f32.
#pragma once

#include "kernels/recurrent.h"

namespace gw::kernels::cpu {

/// Fills states.h and states.c from their second row on, and states.gates.
void recurrent_forward(RecurrentCell cell, const Tensor& input, const Tensor& weight, const Tensor& bias,
                       const RecurrentStates& states);
/// Fills what `grads` has.
void recurrent_backward(RecurrentCell cell, const RecurrentStates& states, const Tensor& weight, const Tensor& dy,
                        const Tensor& dh, const Tensor& dc, const RecurrentGrads& grads);

}  // namespace gw::kernels::cpu
