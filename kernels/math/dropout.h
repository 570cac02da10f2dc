// The decision of dropout.
#pragma once

#include "kernels/math/philox.h"

namespace gw::math {

/// What an element that drew `word` is multiplied by: 0 with probability p, else `scale`, which is 1 / (1 - p).
GW_HOST_DEVICE inline float dropout_factor(uint32_t word, float p, float scale) {
  return uniform(word) < p ? 0.0f : scale;
}

}  // namespace gw::math
