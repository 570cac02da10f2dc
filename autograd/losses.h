// Loss functions, differentiable in their first argument, and where it says so in the second. They are PyTorch's to the letter, but the loss is f32 even
// where the inputs are bf16.
#pragma once

#include "kernels/loss_options.h"
#include "tensor/tensor.h"

namespace gw {

/// -log softmax(logits)[target], in one pass over the logits. Logits [N, C], [N, C, d1, ...] or [C], f32 or bf16.
/// Targets are either classes (u8, i32 or i64; shape of the logits without C) or probabilities (f32 or bf16; shape of
/// the logits). The mean of class targets is over the weights of the targets that are not ignored (NaN if there are
/// none), that of probabilities over N * d1 * .... Differentiable in probabilities too, as mixed-up targets may be.
/// ShapeError for shapes that do not fit and for a target outside [0, C), with its value; ConfigError for a
/// label_smoothing outside [0, 1].
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {});
/// -log_probabilities[target]: the second half of cross_entropy, of the same shapes, for class targets.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const NllLossOptions& options = {});

/// (input - target)^2. Both of one shape, else ShapeError. Differentiable in both.
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);
/// |input - target|. Both of one shape, else ShapeError. Differentiable in both.
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);
/// -(y log p + (1 - y) log(1 - p)) of probabilities p and targets y of one shape. Each logarithm is at least -100, so
/// that p = 0 and p = 1 stay finite.
Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& targets, Reduction reduction = Reduction::mean);
/// binary_cross_entropy(sigmoid(logits), targets), exact for any logit, times `pos_weight` where the answer is
/// positive.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        const BinaryCrossEntropyOptions& options = {});

}  // namespace gw
