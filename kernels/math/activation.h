// The formulas of the activations and their derivatives, element by element, shared by the CPU's and the GPU's kernels.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/activation.h"
#include "kernels/math/functions.h"
#include "kernels/math/host_device.h"

namespace gw::math {

/// GeneralReluOptions as the loops read them.
struct GeneralReluParams {
  float leak;
  float sub;
  float maxv;        ///< infinity for none
  float zero;        ///< -sub as the output's dtype rounds it: what x = 0 becomes
  float above_zero;  ///< the next greater number of that dtype: the least that x > 0 may become
};

/// The number after `value` among those that `dtype` can represent; `value` is one of them.
inline float next_above(float value, DType dtype) {
  if (dtype == DType::f32) return std::nextafter(value, std::numeric_limits<float>::infinity());
  bf16 next = value;
  if (value == 0.0f) next.bits = 0;  // of the two zeros, the one whose bits count upwards
  next.bits = static_cast<uint16_t>(value < 0.0f ? next.bits - 1 : next.bits + 1);
  return next;
}

inline GeneralReluParams general_relu_params(const GeneralReluOptions& o, DType dtype) {
  const float zero = dtype == DType::bf16 ? static_cast<float>(bf16(-o.sub)) : -o.sub;
  return {o.leak, o.sub, o.maxv.value_or(std::numeric_limits<float>::infinity()), zero, next_above(zero, dtype)};
}

/// (x > 0 ? x : leak * x) - sub, kept above `zero` where x > 0. For a leak >= 0 rounding cannot lift the other branch
/// above `zero`, because it is monotonic and takes -sub to `zero`.
GW_HOST_DEVICE inline float general_relu_without_clamp(float x, const GeneralReluParams& p) {
  const float shifted = x - p.sub;
  const float positive = shifted < p.above_zero ? p.above_zero : shifted;
  return x > 0.0f ? positive : p.leak * x - p.sub;
}

/// The same, at most maxv.
GW_HOST_DEVICE inline float general_relu(float x, const GeneralReluParams& p) {
  const float y = general_relu_without_clamp(x, p);
  return y > p.maxv ? p.maxv : y;
}

/// d general_relu / dx from x.
GW_HOST_DEVICE inline float general_relu_slope_without_clamp(float x, const GeneralReluParams& p) {
  return x > 0.0f ? 1.0f : p.leak;
}
GW_HOST_DEVICE inline float general_relu_slope(float x, const GeneralReluParams& p) {
  const float slope = general_relu_slope_without_clamp(x, p);
  return slope * x - p.sub > p.maxv ? 0.0f : slope;
}

/// d general_relu / dx from the output; without a clamp and with leak >= 0 only.
GW_HOST_DEVICE inline float general_relu_slope_from_output(float y, const GeneralReluParams& p) {
  return y > p.zero ? 1.0f : p.leak;
}

GW_HOST_DEVICE inline float silu(float x) { return x * math::sigmoid(x); }
GW_HOST_DEVICE inline float silu_slope(float x) {
  const float s = math::sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}

GW_HOST_DEVICE inline float gelu(float x) { return 0.5f * x * (1.0f + math::erf(0.70710678f * x)); }
GW_HOST_DEVICE inline float gelu_slope(float x) {
  const float density = 0.39894228f * math::exp_of_negative(-0.5f * x * x);
  return 0.5f * (1.0f + math::erf(0.70710678f * x)) + x * density;
}

/// The approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) of gelu, and its own derivative.
GW_HOST_DEVICE inline float gelu_tanh(float x) {
  return 0.5f * x * (1.0f + math::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
}
GW_HOST_DEVICE inline float gelu_tanh_slope(float x) {
  const float t = math::tanh(0.79788456f * (x + 0.044715f * x * x * x));
  const float inner_slope = 0.79788456f * (1.0f + 0.134145f * x * x);
  return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner_slope;
}

/// log(1 + e^(beta x)) / beta, and x itself where beta x > threshold. With z = beta x it is max(z, 0) +
/// log(1 + e^-|z|), which cannot overflow.
GW_HOST_DEVICE inline float softplus(float x, float beta, float threshold) {
  const float z = beta * x;
  const float log1p = math::log1p_of_fraction(math::exp_of_negative(-std::fabs(z)));
  const float y = ((z < 0.0f ? 0.0f : z) + log1p) * (1.0f / beta);
  return z > threshold ? x : y;
}
GW_HOST_DEVICE inline float softplus_slope(float x, float beta, float threshold) {
  const float slope = math::sigmoid(beta * x);
  return beta * x > threshold ? 1.0f : slope;
}

/// e^x - 1 for x <= 0: near zero by its series, because the difference would cancel.
GW_HOST_DEVICE inline float expm1_negative(float x) {
  float series = 1.0f / 720.0f;
  series = series * x + 1.0f / 120.0f;
  series = series * x + 1.0f / 24.0f;
  series = series * x + 1.0f / 6.0f;
  series = series * x + 0.5f;
  series = series * x * x + x;
  return x > -0.25f ? series : math::exp_of_negative(x) - 1.0f;
}

GW_HOST_DEVICE inline float elu(float x, float alpha) { return x > 0.0f ? x : alpha * math::expm1_negative(x); }
GW_HOST_DEVICE inline float elu_slope(float x, float alpha) { return x > 0.0f ? 1.0f : alpha * math::exp(x); }

GW_HOST_DEVICE inline float hardtanh(float x, float min, float max) { return x < min ? min : (x > max ? max : x); }
/// At the bounds themselves no gradient passes, as in PyTorch.
GW_HOST_DEVICE inline float hardtanh_slope(float x, float min, float max) { return x <= min || x >= max ? 0.0f : 1.0f; }

/// x tanh(softplus(x)). With u = 1 + e^x the hyperbolic tangent is (u^2 - 1) / (u^2 + 1); for x > 20 it is 1, and
/// beyond that e^x could overflow.
GW_HOST_DEVICE inline float mish(float x) {
  const float e = math::exp(x < 20.0f ? x : 20.0f), above = e * (e + 2.0f);
  return x * (above / (above + 2.0f));
}
/// tanh(softplus(x)) + x sigmoid(x) (1 - tanh^2(softplus(x))), the last factor being 4 u^2 / (u^2 + 1)^2.
GW_HOST_DEVICE inline float mish_slope(float x) {
  const float limited = x < 20.0f ? x : 20.0f;
  const float e = math::exp(limited), above = e * (e + 2.0f), inverse = 1.0f / (above + 2.0f);
  // sigmoid(x) = e / u, so that one u of the square goes with it.
  return above * inverse + limited * (4.0f * e * (e + 1.0f)) * inverse * inverse;
}

}  // namespace gw::math
