// How a loss is put together from its elements.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// What becomes of the losses of the elements: kept one by one, averaged, or summed.
enum class Reduction { none, mean, sum };

/// The options of cross_entropy, with PyTorch's defaults.
struct CrossEntropyOptions {
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0;   ///< in [0, 1]: this share of the target is spread evenly over the classes
  int64_t ignore_index = -100;  ///< targets of this value count for nothing
  Tensor weight = {};           ///< f32 [C]: the weight of each class; undefined: all 1
};

/// The options of nll_loss.
struct NllLossOptions {
  Reduction reduction = Reduction::mean;
  int64_t ignore_index = -100;
  Tensor weight = {};
};

/// The options of binary_cross_entropy_with_logits.
struct BinaryCrossEntropyOptions {
  Reduction reduction = Reduction::mean;
  Tensor pos_weight = {};  ///< f32, broadcasts to the logits: the weight of positive answers; undefined: 1
};

}  // namespace gw
