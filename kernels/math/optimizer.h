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

/// What a step of RMSProp is told.
struct RmsPropHypers {
  float lr;
  float alpha;            ///< decay of the average of squares
  float one_minus_alpha;  ///< weight of the squared gradient in it
  float eps;
  float momentum;  ///< decay of the buffer
  float l2;        ///< added to the gradient, times the parameter
  float decay;     ///< 1 - lr * decoupled weight decay: factor of the parameter
};

/// The gradient in units of its root mean square (Hinton, 2012): v = alpha v + (1 - alpha) g^2; g / (sqrt(v) + eps).
GW_HOST_DEVICE inline float rmsprop_direction(float p, float g, float& v, const RmsPropHypers& h) {
  g += h.l2 * p;
  v = h.alpha * v + h.one_minus_alpha * g * g;
  return g / (std::sqrt(v) + h.eps);
}

/// p -= lr g / (sqrt(v) + eps).
GW_HOST_DEVICE inline void rmsprop_update(float& p, float g, float& v, const RmsPropHypers& h) {
  const float direction = rmsprop_direction(p, g, v, h);
  p = p * h.decay - h.lr * direction;
}

/// b = momentum b + g / (sqrt(v) + eps); p -= lr b.
GW_HOST_DEVICE inline void rmsprop_momentum_update(float& p, float g, float& b, float& v, const RmsPropHypers& h) {
  b = h.momentum * b + rmsprop_direction(p, g, v, h);
  p = p * h.decay - h.lr * b;
}

/// What a step of LAMB is told.
struct LambHypers {
  float lr;                 ///< times the trust ratio, once that is known
  float one_minus_beta1;    ///< weight of the gradient in its average
  float beta2;              ///< decay of the average of squares
  float one_minus_beta2;    ///< weight of the squared gradient in its average
  float correction1;        ///< 1 / (1 - beta1^t)
  float rsqrt_correction2;  ///< 1 / sqrt(1 - beta2^t)
  float eps;
  float weight_decay;
};

/// Adam's statistics: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2.
GW_HOST_DEVICE inline void lamb_statistics(float g, float& m, float& v, const LambHypers& h) {
  m += h.one_minus_beta1 * (g - m);
  v = h.beta2 * v + h.one_minus_beta2 * g * g;
}

/// Where LAMB goes (You et al., 2019), up to the learning rate and the trust ratio: m' / (sqrt(v') + eps) +
/// weight_decay p, where m' and v' are m and v without the bias towards their start at zero.
GW_HOST_DEVICE inline float lamb_direction(float p, float m, float v, const LambHypers& h) {
  return m * h.correction1 / (std::sqrt(v) * h.rsqrt_correction2 + h.eps) + h.weight_decay * p;
}

/// What no trust ratio of LAMB exceeds.
inline constexpr double kLambMostTrust = 10;

/// The trust ratio from the sums of squares of a parameter and of its direction: the ratio of their root mean squares,
/// at most 10; 1 where either is zero, so that what starts at zero may leave it.
GW_HOST_DEVICE inline float lamb_trust(double param_squares, double direction_squares, const LambHypers&) {
  if (!(param_squares > 0) || !(direction_squares > 0)) return 1;
  const double ratio = std::sqrt(param_squares / direction_squares);
  return static_cast<float>(ratio < kLambMostTrust ? ratio : kLambMostTrust);
}

/// What a step of LARS is told.
struct LarsHypers {
  float lr;  ///< times the local rate, once that is known
  float trust;
  float momentum;
  float dampened;  ///< 1 - dampening: weight of the gradient in the buffer
  float weight_decay;
};

/// The local rate of LARS (You, Gitman and Ginsburg, 2017) from the sums of squares of a parameter and of its gradient:
/// trust |p| / (|g| + weight_decay |p|); 1 where either is zero.
GW_HOST_DEVICE inline float lars_trust(double param_squares, double grad_squares, const LarsHypers& h) {
  if (!(param_squares > 0) || !(grad_squares > 0)) return 1;
  const double param = std::sqrt(param_squares), grad = std::sqrt(grad_squares);
  return static_cast<float>(static_cast<double>(h.trust) * param /
                            (grad + static_cast<double>(h.weight_decay) * param));
}

/// b = momentum b + (1 - dampening) lr (g + weight_decay p); p -= b.
GW_HOST_DEVICE inline void lars_update(float& p, float g, float& b, const LarsHypers& h) {
  b = h.momentum * b + h.dampened * h.lr * (g + h.weight_decay * p);
  p -= b;
}

}  // namespace gw::math
