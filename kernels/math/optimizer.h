// The updates of one parameter element. Everything that is the same for all elements (schedule values, bias
// corrections) is worked out beforehand, in double, on the host.
#pragma once

#include <cmath>

#include "kernels/math/host_device.h"

namespace gw::math {

/// What a step of SGD is told.
struct SgdHypers {
  float lr;
  float momentum;         ///< decay of the buffer
  float dampened;         ///< 1 - dampening: weight of the gradient in the buffer
  float buffer_weight;    ///< of the buffer in the step: 1, or momentum for Nesterov's
  float gradient_weight;  ///< of the gradient in the step: 0, or 1 for Nesterov's
  float l2;               ///< added to the gradient, times the parameter
  float decay;            ///< 1 - lr * decoupled weight decay: factor of the parameter
};

/// p -= lr g.
GW_HOST_DEVICE inline void sgd_update(float& p, float g, const SgdHypers& h) {
  g += h.l2 * p;
  p = p * h.decay - h.lr * g;
}

/// b = momentum b + (1 - dampening) g; p -= lr b, or with Nesterov's momentum p -= lr (g + momentum b).
GW_HOST_DEVICE inline void momentum_update(float& p, float g, float& b, const SgdHypers& h) {
  g += h.l2 * p;
  b = h.momentum * b + h.dampened * g;
  p = p * h.decay - h.lr * (h.buffer_weight * b + h.gradient_weight * g);
}

/// What a step of Adam is told.
struct AdamHypers {
  float step_size;          ///< lr / (1 - beta1^t)
  float one_minus_beta1;    ///< weight of the gradient in its average
  float beta2;              ///< decay of the average of squares
  float one_minus_beta2;    ///< weight of the squared gradient in its average
  float rsqrt_correction2;  ///< 1 / sqrt(1 - beta2^t)
  float eps;
  float l2;     ///< added to the gradient, times the parameter
  float decay;  ///< 1 - lr * decoupled weight decay: factor of the parameter
};

/// Adam (Kingma and Ba, 2014), or with `decay` AdamW (Loshchilov and Hutter, 2017):
/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; p -= lr m' / (sqrt(v') + eps), where m' and v' are
/// m and v without the bias towards their start at zero.
GW_HOST_DEVICE inline void adam_update(float& p, float g, float& m, float& v, const AdamHypers& h) {
  g += h.l2 * p;
  m += h.one_minus_beta1 * (g - m);
  v = h.beta2 * v + h.one_minus_beta2 * g * g;
  p = p * h.decay - h.step_size * m / (std::sqrt(v) * h.rsqrt_correction2 + h.eps);
}

}  // namespace gw::math
