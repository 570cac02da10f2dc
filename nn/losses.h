// Losses as objects that keep their options: CrossEntropyLoss loss{{.label_smoothing = 0.1}}; loss(logits, targets).
// The functions themselves are in autograd/losses.h.
#pragma once

#include <functional>

#include "autograd/losses.h"

namespace gw {

/// Whatever makes a loss of predictions and targets: one of the objects below, a function, a lambda.
using LossFunction = std::function<Tensor(const Tensor& predictions, const Tensor& targets)>;

struct CrossEntropyLoss {
  CrossEntropyOptions options = {};
  Tensor operator()(const Tensor& logits, const Tensor& targets) const {
    return cross_entropy(logits, targets, options);
  }
};

struct NLLLoss {
  NllLossOptions options = {};
  Tensor operator()(const Tensor& log_probabilities, const Tensor& targets) const {
    return nll_loss(log_probabilities, targets, options);
  }
};

struct MSELoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& input, const Tensor& target) const { return mse_loss(input, target, reduction); }
};

struct BCEWithLogitsLoss {
  BinaryCrossEntropyOptions options = {};
  Tensor operator()(const Tensor& logits, const Tensor& targets) const {
    return binary_cross_entropy_with_logits(logits, targets, options);
  }
};

}  // namespace gw
