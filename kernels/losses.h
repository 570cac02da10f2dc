// Loss functions, forward and backward each in one pass over their inputs. The losses are f32 whatever the dtype of the
// inputs; sums are in double. See autograd/losses.h for the definitions.
#pragma once

#include "kernels/loss_options.h"

namespace gw::kernels {

/// The loss, and what its backward pass needs beside the inputs.
struct ClassLoss {
  Tensor loss;          ///< f32: a scalar, or of the shape of the targets for Reduction::none
  Tensor total_weight;  ///< f32 scalar: what the mean divides by
  Tensor statistics;    ///< cross_entropy only, f32 [3, positions]: the maximum of the logits, the log of the sum of
                        ///< exp(logits - maximum), and the weight of the softmax in the gradient
};

/// Logits [N, C, d1, ...] or [C]; targets as classes [N, d1, ...] or as probabilities of the shape of the logits.
/// ShapeError for a target outside [0, C), with its value (on the CPU; CUDA traps).
ClassLoss cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options);
/// The gradient of the logits, in their dtype. `dloss` is f32 of the loss's shape.
Tensor cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Tensor& targets,
                              const ClassLoss& forward, const CrossEntropyOptions& options);

ClassLoss nll_loss(const Tensor& log_probabilities, const Tensor& targets, const NllLossOptions& options);
/// `like` has the shape and dtype of the log-probabilities; its values do not matter.
Tensor nll_loss_backward(const Tensor& dloss, const Tensor& like, const Tensor& targets, const ClassLoss& forward,
                         const NllLossOptions& options);

/// The losses that compare two tensors element by element.
enum class PairLoss { mse, l1, binary_cross_entropy, binary_cross_entropy_with_logits };

/// loss(input, target) of two tensors of one shape; f32. `pos_weight` (f32, broadcasts) may be undefined.
Tensor pair_loss(PairLoss kind, const Tensor& input, const Tensor& target, const Tensor& pos_weight,
                 Reduction reduction);
/// The gradient of `input`, in its dtype.
Tensor pair_loss_backward(PairLoss kind, const Tensor& dloss, const Tensor& input, const Tensor& target,
                          const Tensor& pos_weight, Reduction reduction);

}  // namespace gw::kernels
