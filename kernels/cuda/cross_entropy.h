// Cross-entropy on the GPU. The logits are dense with their lines in the order of the targets' elements; targets
// (i64, or of the logits' dtype and layout where they are probabilities), weights and losses are contiguous.
#pragma once

#include "kernels/lines.h"
#include "kernels/losses.h"

namespace gw::kernels::cuda {

void cross_entropy(const ClassLoss& out, const Tensor& logits, const Tensor& targets, LineShape lines,
                   const CrossEntropyOptions& options);
void cross_entropy_backward(const Tensor& dlogits, const Tensor& dloss, const Tensor& logits, const Tensor& targets,
                            const ClassLoss& forward, LineShape lines, const CrossEntropyOptions& options);

void cross_entropy_of_probabilities(const ClassLoss& out, const Tensor& logits, const Tensor& targets, LineShape lines,
                                    const CrossEntropyOptions& options);
void cross_entropy_of_probabilities_backward(const Tensor& dlogits, const Tensor& dloss, const Tensor& logits,
                                             const Tensor& targets, const ClassLoss& forward, LineShape lines,
                                             const CrossEntropyOptions& options);

void nll_loss(const ClassLoss& out, const Tensor& log_probabilities, const Tensor& targets, LineShape lines,
              const NllLossOptions& options);
/// `dx` holds zeros.
void nll_loss_backward(const Tensor& dx, const Tensor& dloss, const Tensor& targets, const ClassLoss& forward,
                       LineShape lines, const NllLossOptions& options);

}  // namespace gw::kernels::cuda
