// What an op may find out about its result while it computes it.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// Mean and biased variance of each channel of a batch, [C] f32; both undefined where the op did not find them.
struct BatchMoments {
  Tensor mean, variance;
  bool defined() const { return mean.defined(); }
};

}  // namespace gw
