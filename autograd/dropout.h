// Dropout (Srivastava et al., 2014), differentiable. The mask is never stored: backward draws the same random numbers
// again.
#pragma once

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace gw {

/// In training, zeroes each element with probability p and multiplies the others by 1 / (1 - p); otherwise x itself.
/// Which elements fall depends only on the generator, the shape and the position, not on layout, device or threads.
/// ConfigError for a p outside [0, 1].
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true, Generator& generator = default_generator());
/// The same with whole channels: x [N, C, ...], each (n, c) kept or zeroed as one (Tompson et al., 2015).
Tensor dropout2d(const Tensor& x, double p = 0.5, bool training = true, Generator& generator = default_generator());

}  // namespace gw
