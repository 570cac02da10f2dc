// The losses that compare two numbers, and their derivatives with respect to the first.
#pragma once

#include "kernels/losses.h"
#include "kernels/math/functions.h"

namespace gw::math {

/// (x - y)^2.
struct SquaredError {
  GW_HOST_DEVICE static float loss(float x, float y, float) { return (x - y) * (x - y); }
  GW_HOST_DEVICE static float slope(float x, float y, float) { return 2 * (x - y); }
};

/// |x - y|.
struct AbsoluteError {
  GW_HOST_DEVICE static float loss(float x, float y, float) { return x < y ? y - x : x - y; }
  GW_HOST_DEVICE static float slope(float x, float y, float) { return x > y ? 1.0f : (x < y ? -1.0f : 0.0f); }
};

/// -(y log p + (1 - y) log(1 - p)), with logarithms cut off at -100.
struct BinaryCrossEntropy {
  GW_HOST_DEVICE static float cut(float x) { return x < -100.0f ? -100.0f : x; }
  GW_HOST_DEVICE static float loss(float p, float y, float) {
    return (y - 1) * cut(math::log(1 - p)) - y * cut(math::log(p));
  }
  GW_HOST_DEVICE static float slope(float p, float y, float) {
    const float variance = (1 - p) * p;
    return (p - y) / (variance < 1e-12f ? 1e-12f : variance);
  }
};

/// The same of p = sigmoid(x), times `positive` where y is 1:
/// (1 - y) x + (1 + (positive - 1) y) log(1 + e^-x), where log(1 + e^-x) = log(1 + e^-|x|) + max(-x, 0).
struct BinaryCrossEntropyWithLogits {
  GW_HOST_DEVICE static float loss(float x, float y, float positive) {
    const float log1p = math::log1p_of_fraction(math::exp_of_negative(x < 0 ? x : -x));
    return (1 + (positive - 1) * y) * log1p + (x < 0 ? -positive * y : 1 - y) * x;
  }
  GW_HOST_DEVICE static float slope(float x, float y, float positive) {
    const float t = positive * y;
    // Not math::sigmoid, whose choice between e^x and e^-x takes GPUs more registers than eight elements leave.
    return (t + 1 - y) * (1.0f / (1.0f + math::exp(-x))) - t;
  }
};

/// Calls f with the formulas of a loss: one of the types above.
template <class F>
void with_formula(kernels::PairLoss kind, const F& f) {
  switch (kind) {
    case kernels::PairLoss::mse:
      return f(SquaredError{});
    case kernels::PairLoss::l1:
      return f(AbsoluteError{});
    case kernels::PairLoss::binary_cross_entropy:
      return f(BinaryCrossEntropy{});
    case kernels::PairLoss::binary_cross_entropy_with_logits:
      return f(BinaryCrossEntropyWithLogits{});
  }
}

}  // namespace gw::math
