// Running batch norm: batch norm for tiny batches.
#pragma once

#include "nn/module.h"

namespace gw {

struct RunningBatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;  ///< how fast the averages follow batches of two; faster for larger ones
};

/// Normalises each channel by exponential averages over the batches, in training too, where batch norm takes the batch
/// alone (fast.ai, 2019, lesson 10). The averages are of sums, squares and counts, each debiased, so that batches of
/// unequal size weigh as they should:
///
///   m = 1 - (1 - momentum) / sqrt(max(1, N - 1)),  average += m (batch's - average)
///   mean = sums / count,  variance = squares / count - mean^2,  y = (x - mean) / sqrt(variance + eps) weight + bias
///
/// The variance is at least 0.01 until more than 20 items were seen. Gradients flow through what the batch adds to the
/// averages. In evaluation the averages stay as they are. x [N, C], [N, C, L] or [N, C, H, W].
struct RunningBatchNorm : Module {
  explicit RunningBatchNorm(int64_t num_features, RunningBatchNormOptions o = {});
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  RunningBatchNormOptions options;
  int64_t num_features;
  Tensor weight, bias;   ///< [num_features]
  Tensor sums, squares;  ///< averages, [num_features]; all start at zero
  Tensor count;          ///< average, scalar
  Tensor items;          ///< how many were seen, scalar

 private:
  /// What normalises: of the averages as they will be after this batch, if training.
  struct Statistics {
    Tensor mean, variance;
  };
  Statistics follow(const Tensor& x);
};

}  // namespace gw
