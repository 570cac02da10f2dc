// FmaVector: one register of floats, as wide as the processor has, for the kernels that live on fused multiply-add.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#endif

#include "tensor/dtype.h"

namespace gw::kernels::cpu {

// The vector type is GCC's, so loads, stores and additions need no intrinsics. The multiply-add does: ISO C++ mode
// forbids the compiler to fuse a product and a sum by itself.
#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kAccumulators = 28;  ///< registers a kernel may fill with running sums; the rest hold its operands
#elif defined(__AVX__)
constexpr int kLanes = 8;
constexpr int kAccumulators = 12;
#else
constexpr int kLanes = 4;
constexpr int kAccumulators = 12;
#endif

typedef float FmaVector __attribute__((vector_size(kLanes * 4)));
typedef uint16_t HalfVector __attribute__((vector_size(kLanes * 2)));
typedef uint32_t BitVector __attribute__((vector_size(kLanes * 4)));

inline FmaVector load(const float* p) {
  FmaVector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline FmaVector load(const bf16* p) {
  HalfVector half;
  std::memcpy(&half, p, sizeof half);
  return reinterpret_cast<FmaVector>(__builtin_convertvector(half, BitVector) << 16);
}

/// The first `count` < kLanes numbers; the other lanes are zero, and nothing beyond `count` is touched.
inline FmaVector load_first(const float* p, int64_t count) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#else
  FmaVector v{};
  std::memcpy(&v, p, static_cast<size_t>(count) * sizeof(float));
  return v;
#endif
}

inline FmaVector load_first(const bf16* p, int64_t count) {
  HalfVector half{};
  std::memcpy(&half, p, static_cast<size_t>(count) * sizeof(bf16));
  return reinterpret_cast<FmaVector>(__builtin_convertvector(half, BitVector) << 16);
}

inline void store(float* p, FmaVector v) { std::memcpy(p, &v, sizeof v); }

/// Rounds to the nearest bf16, ties to even, as bf16's constructor does.
inline void store(bf16* p, FmaVector v) {
  const auto bits = reinterpret_cast<BitVector>(v);
  const BitVector rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const BitVector quiet_nan = (bits >> 16) | 0x0040u;
  const HalfVector half = __builtin_convertvector(v == v ? rounded : quiet_nan, HalfVector);
  std::memcpy(p, &half, sizeof half);
}

/// a * b + sum, b the same number in all lanes.
inline FmaVector multiply_add(FmaVector a, float b, FmaVector sum) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, _mm512_set1_ps(b), sum);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, _mm256_set1_ps(b), sum);
#else
  return a * b + sum;
#endif
}

/// Copies `count` numbers to float and fills up with zeros to a whole number of registers.
template <class T>
void convert_padded(const T* from, float* to, int64_t count) {
  for (; count >= kLanes; count -= kLanes, from += kLanes, to += kLanes) store(to, load(from));
  if (count > 0) store(to, load_first(from, count));
}

/// Copies `count` numbers, converting their type.
inline void convert(const float* from, float* to, int64_t count) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
}

template <class From, class To>
void convert(const From* from, To* to, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  for (; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace gw::kernels::cpu
