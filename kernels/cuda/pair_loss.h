// The GPU's side of the losses that compare two tensors element by element.
#pragma once

#include "kernels/losses.h"

namespace gw::kernels::cuda {

/// input, target and pos_weight (f32, or undefined) are dense, of one layout; input and target of one dtype. `out` is a
/// scalar, or of the layout of the input for Reduction::none.
void pair_loss(PairLoss kind, const Tensor& out, const Tensor& input, const Tensor& target, const Tensor& pos_weight,
               Reduction reduction);
void pair_loss_backward(PairLoss kind, const Tensor& dinput, const Tensor& dloss, const Tensor& input,
                        const Tensor& target, const Tensor& pos_weight, Reduction reduction);

}  // namespace gw::kernels::cuda
