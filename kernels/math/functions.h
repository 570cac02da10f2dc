// exp, log, erf and what follows from them, branch-free so that compilers vectorise loops over them. The C library's
// functions are exact to half a unit in the last place but go one element at a time; these stay within 3 units (erf and
// log1p_of_fraction: 5) and run at the speed of memory.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/math/host_device.h"

namespace gw::math {

/// x = n ln 2 + r with a whole n and |r| <= ln 2 / 2.
struct ReducedByLn2 {
  float r;
  uint32_t n;  ///< n + 0x4b400000, as the addition that rounded it left it; meaningless if x is not a number
};

GW_HOST_DEVICE inline ReducedByLn2 reduce_by_ln2(float x) {
  constexpr float kLog2e = 1.44269504088896341f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to the nearest integer, in the lowest bits
  const float biased = x * kLog2e + kMagic, n = biased - kMagic;
  // In two steps, so that n times the upper part is exact.
  return {(x - n * kLn2High) - n * kLn2Low, std::bit_cast<uint32_t>(biased)};
}

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.
GW_HOST_DEVICE inline float exp_tail(float r) {
  float p = 1.3933733573e-3f;
  p = p * r + 8.3632357418e-3f;
  p = p * r + 4.1666463017e-2f;
  p = p * r + 1.6666576266e-1f;
  return p * r + 0.5f;
}

/// 2^n for a whole n from -126 to 127, of which only the lowest 9 bits count.
GW_HOST_DEVICE inline float power_of_two(uint32_t n) { return std::bit_cast<float>((n << 23) + 0x3f800000u); }

/// e^x = 2^n e^r.
GW_HOST_DEVICE inline float exp(float x) {
#ifdef __CUDA_ARCH__
  return ::expf(x);  // as exact, and a third as long: GPUs have an instruction for 2^x
#else
  // Beyond these bounds the result is 0 or infinity; the comparisons are ordered so that NaN passes through.
  const float above = x < -104.0f ? -104.0f : x;
  const ReducedByLn2 x_ln2 = reduce_by_ln2(above > 89.0f ? 89.0f : above);
  const float r = x_ln2.r;
  const float p = (exp_tail(r) * r + 1.0f) * r + 1.0f;
  // 2^n in two factors, because n reaches beyond the exponents of a float on both sides.
  const uint32_t half = x_ln2.n >> 1;
  return p * power_of_two(half) * power_of_two(x_ln2.n - half);
#endif
}

/// ln x. With x = m 2^e and m in [sqrt(1/2), sqrt 2): e ln 2 plus a polynomial of m - 1.
GW_HOST_DEVICE inline float log(float x) {
  // Subnormal numbers are lifted into the normal range. The lift is undone through its bits, because on a second
  // selection the compiler computes everything twice.
  const float lift = x < 1.17549435e-38f ? 8388608.0f : 1.0f;
  // Unsigned, because the numbers below zero, whose result is not used, would overflow.
  const uint32_t bits = std::bit_cast<uint32_t>(x * lift);
  const auto above_least = static_cast<int32_t>(bits - 0x3f3504f3u);
  const float m = std::bit_cast<float>(bits - (static_cast<uint32_t>(above_least) & 0xff800000u)) - 1.0f;
  const uint32_t raised = std::bit_cast<uint32_t>(lift) - 0x3f800000u;
  const float exponent = static_cast<float>(static_cast<int32_t>(bits - 0x3f3504f3u - raised) >> 23);
  float p = -8.1015586853e-2f;
  p = p * m + 1.2712307274e-1f;
  p = p * m - 1.2972238660e-1f;
  p = p * m + 1.4202173054e-1f;
  p = p * m - 1.6642247140e-1f;
  p = p * m + 2.0001468062e-1f;
  p = p * m - 2.5000298023e-1f;
  p = p * m + 3.3333328366e-1f;
  const float squared = m * m;
  const float y = m * squared * p - 2.12194440e-4f * exponent - 0.5f * squared;
  const float result = m + y + 0.693359375f * exponent;
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float positive = x < kInf ? result : x;
  const float others = x == 0.0f ? -kInf : std::numeric_limits<float>::quiet_NaN();
  return x > 0.0f ? positive : others;
}

/// e^x for x <= 0, in fewer steps than exp: a polynomial of one degree less, good to 1e-7, and 2^n in one factor. Below
/// 1.3e-38 the result is 0.
GW_HOST_DEVICE inline float exp_of_negative(float x) {
#ifdef __CUDA_ARCH__
  return ::expf(x);
#else
  const ReducedByLn2 x_ln2 = reduce_by_ln2(x < -88.0f ? -88.0f : x);  // there n is -127, whose power_of_two is 0
  const float r = x_ln2.r;
  float p = 8.3125012891e-3f;
  p = p * r + 4.1890331574e-2f;
  p = p * r + 1.6667115389e-1f;
  p = p * r + 4.9999230309e-1f;
  return ((p * r + 1.0f) * r + 1.0f) * power_of_two(x_ln2.n);
#endif
}

/// ln(1 + x) for x from 0 to 1: x times the minimax polynomial of ln(1 + x) / x, good to 2e-7.
GW_HOST_DEVICE inline float log1p_of_fraction(float x) {
  float p = -8.5392060784e-03f;
  p = p * x + 4.4089623100e-02f;
  p = p * x - 1.0768170102e-01f;
  p = p * x + 1.7745240617e-01f;
  p = p * x - 2.4495462527e-01f;
  p = p * x + 3.3275479721e-01f;
  p = p * x - 4.9997405393e-01f;
  p = p * x + 9.9999980567e-01f;
  return x * p;
}

/// 1 / (1 + e^-x). Through e^-|x|, which cannot overflow.
GW_HOST_DEVICE inline float sigmoid(float x) {
  const float z = exp_of_negative(x < 0.0f ? x : -x);
  return (x < 0.0f ? z : 1.0f) / (1.0f + z);
}

/// t / (t + 2) with t = e^2|x| - 1, and the sign of x. Near zero 2^n is 1 and t is e^r - 1 itself: nothing cancels.
GW_HOST_DEVICE inline float tanh(float x) {
  const float magnitude = x < 0.0f ? -x : x;
  const ReducedByLn2 x_ln2 = reduce_by_ln2(magnitude > 10.0f ? 20.0f : 2.0f * magnitude);
  const float r = x_ln2.r, scale = power_of_two(x_ln2.n);
  const float t = (exp_tail(r) * (r * r) + r) * scale + (scale - 1.0f);
  return std::copysign(t / (t + 2.0f), x);
}

/// erf(x): x times a ratio of polynomials in x^2, minimax to 3e-8, where |x| < 4; beyond, 1 in magnitude.
GW_HOST_DEVICE inline float erf(float x) {
  const float magnitude = x < 0.0f ? -x : x, limited = magnitude > 4.0f ? 4.0f : magnitude, u = limited * limited;
  float p = 1.9867820645e-6f;
  p = p * u + 2.8456721255e-4f;
  p = p * u + 3.8833809377e-3f;
  p = p * u + 5.3101858145e-2f;
  p = p * u + 1.9354585940e-1f;
  p = p * u + 1.1283791393f;
  float q = 3.7420241553e-5f;
  q = q * u + 1.1855810673e-3f;
  q = q * u + 1.5207323508e-2f;
  q = q * u + 1.1535033619e-1f;
  q = q * u + 5.0485810720e-1f;
  q = q * u + 1.0f;
  const float y = limited * p / q;
  return std::copysign(y > 1.0f ? 1.0f : y, x);
}

}  // namespace gw::math
