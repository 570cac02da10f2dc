// Batch norm's formulas for one element, shared by the CPU's and the GPU's kernels. The backward pass computes z again
// from x; it must get the same bits as the forward pass, so both call the same function.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/activation.h"
#include "kernels/math/host_device.h"

namespace gw::math {

/// Where the statistics of a batch go, and how the running ones follow them.
struct BatchNormStatistics {
  float* mean;
  float* invstd;
  float* running_mean;  ///< null if there are none, as running_var
  float* running_var;
  double momentum;
  double eps;

  /// Channel c of the batch has `count` values with this mean and sum of squared distances from it.
  GW_HOST_DEVICE void finish(int64_t c, double count, double batch_mean, double sum_of_squares) const {
    mean[c] = static_cast<float>(batch_mean);
    invstd[c] = static_cast<float>(1 / std::sqrt(sum_of_squares / count + eps));
    if (!running_mean) return;
    running_mean[c] = follow(running_mean[c], batch_mean);
    running_var[c] = follow(running_var[c], sum_of_squares / (count - 1));
  }

 private:
  GW_HOST_DEVICE float follow(float running, double batch) const {
    return static_cast<float>((1 - momentum) * static_cast<double>(running) + momentum * batch);
  }
};

/// What maps one channel's x to y, where scale = weight * invstd. Subtracting the mean first keeps the digits of
/// channels whose mean is large beside their spread.
struct BatchNormChannel {
  float mean;
  float scale;
  float bias;
};

GW_HOST_DEVICE inline float batch_norm(float x, const BatchNormChannel& c) { return (x - c.mean) * c.scale + c.bias; }

/// What dx is made of besides dz (the gradient of batch norm's output): dx = scale * (dz - mean(dz) - xhat *
/// mean(dz * xhat)) with a = scale * mean(dz) and b = scale * invstd * mean(dz * xhat). In inference both are 0.
struct BatchNormSlope {
  float a;
  float b;
};

GW_HOST_DEVICE inline float batch_norm_dx(float dz, float x, const BatchNormChannel& c, const BatchNormSlope& s) {
  return c.scale * dz - s.a - (x - c.mean) * s.b;
}

/// The activation after batch norm: none.
struct NoActivation {
  GW_HOST_DEVICE float value(float z) const { return z; }
  GW_HOST_DEVICE float slope(float) const { return 1.0f; }
  GW_HOST_DEVICE float slope_from_output(float) const { return 1.0f; }
};

/// The activation after batch norm: GeneralRelu.
struct GeneralReluActivation {
  GeneralReluParams p;
  GW_HOST_DEVICE float value(float z) const { return general_relu(z, p); }
  GW_HOST_DEVICE float slope(float z) const { return general_relu_slope(z, p); }
  GW_HOST_DEVICE float slope_from_output(float y) const { return general_relu_slope_from_output(y, p); }
};

/// GeneralRelu whose maxv is infinite: in loops at the speed of memory its comparisons would cost.
struct UnclampedGeneralReluActivation {
  GeneralReluParams p;
  GW_HOST_DEVICE float value(float z) const { return general_relu_without_clamp(z, p); }
  GW_HOST_DEVICE float slope(float z) const { return general_relu_slope_without_clamp(z, p); }
  GW_HOST_DEVICE float slope_from_output(float y) const { return general_relu_slope_from_output(y, p); }
};

}  // namespace gw::math
