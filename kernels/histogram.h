// What the values of a tensor are like: their mean, their spread and their histogram, in one pass over memory.
#pragma once

#include "tensor/tensor.h"

namespace gw::kernels {

/// Bins of equal width over [low, high]. Values outside are not counted.
struct HistogramOptions {
  int64_t bins = 40;
  float low = 0, high = 10;
  bool absolute = true;  ///< counts |x|, as the lesson does, so that activations close to zero share one bin
};

struct ValueStatistics {
  Tensor moments;  ///< f32 [2]: the mean, and the standard deviation (n - 1)
  Tensor counts;   ///< i64 [bins]
};

/// The statistics of all elements of `x` (f32 or bf16, any shape), on its device; nothing waits for them. The deviation
/// is NaN for fewer than two elements, the mean for none. Moments are those of x itself, also where |x| is counted.
/// DTypeError for integers; ConfigError unless there are 1 to 4096 bins and low < high.
ValueStatistics value_statistics(const Tensor& x, const HistogramOptions& o = {});

}  // namespace gw::kernels
