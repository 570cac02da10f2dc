// exp, log and what follows from them, branch-free so that compilers vectorise loops over them. The C library's
// functions are exact to half a unit in the last place but go one element at a time; these stay within 2 units and run
// at the speed of memory.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/math/host_device.h"

namespace gw::math {

/// e^x. With n = round(x / ln 2) and r = x - n ln 2 (in two steps, so that r is exact): 2^n times the Taylor polynomial
/// of e^r.
GW_HOST_DEVICE inline float exp(float x) {
#ifdef __CUDA_ARCH__
  return ::expf(x);  // as exact, and a third as long: GPUs have an instruction for 2^x
#else
  constexpr float kLog2e = 1.44269504088896341f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  // Beyond these bounds the result is 0 or infinity; min and max are ordered so that NaN passes through.
  const float clipped = x < -104.0f ? -104.0f : (x > 89.0f ? 89.0f : x);
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to the nearest integer
  const float n = (clipped * kLog2e + magic) - magic;
  const float r = (clipped - n * kLn2High) - n * kLn2Low;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // 2^n in two factors, because n reaches beyond the exponents of a float on both sides.
  const int32_t whole = static_cast<int32_t>(n != n ? 0.0f : n), half = whole >> 1;
  const float a = std::bit_cast<float>((half + 127) << 23), b = std::bit_cast<float>((whole - half + 127) << 23);
  return p * a * b;
#endif
}

/// ln x. With x = m 2^e and m in [sqrt(1/2), sqrt 2): e ln 2 plus a polynomial of m - 1.
GW_HOST_DEVICE inline float log(float x) {
  const float scale = x < 1.17549435e-38f ? 8388608.0f : 1.0f;  // lifts subnormal numbers into the normal range
  const int32_t bits = std::bit_cast<int32_t>(x * scale);
  const int32_t e = (bits - 0x3f3504f3) >> 23;
  const float m = std::bit_cast<float>(bits - (e << 23)) - 1.0f;
  const float exponent = static_cast<float>(e) - (scale == 1.0f ? 0.0f : 23.0f);
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float squared = m * m;
  const float y = m * squared * p - 2.12194440e-4f * exponent - 0.5f * squared;
  const float result = m + y + 0.693359375f * exponent;
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float positive = x == kInf ? kInf : result;
  const float others = x == 0.0f ? -kInf : std::numeric_limits<float>::quiet_NaN();
  return x > 0.0f ? positive : others;
}

/// 1 / (1 + e^-x).
GW_HOST_DEVICE inline float sigmoid(float x) { return 1.0f / (1.0f + math::exp(-x)); }

/// (e^2x - 1) / (e^2x + 1); near zero an odd polynomial, because the difference would cancel.
GW_HOST_DEVICE inline float tanh(float x) {
  const float magnitude = x < 0.0f ? -x : x;
  const float large = 1.0f - 2.0f / (math::exp(2.0f * magnitude) + 1.0f);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = x + x * z * p;
  const float signed_large = x < 0.0f ? -large : large;
  return magnitude < 0.625f ? small : signed_large;
}

}  // namespace gw::math
