// DType: the element types of a tensor, and bfloat16.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#endif

#include "tensor/error.h"
#include "tensor/host_device.h"

namespace gw {

/// Element types. Floating arithmetic is always done in f32; bf16 is a storage format.
enum class DType : uint8_t { f32, bf16, u8, i32, i64 };

/// bfloat16: the upper half of an IEEE float. Converts with round-to-nearest-even; NaN stays NaN.
struct bf16 {
  uint16_t bits;

  bf16() = default;
  GW_HOST_DEVICE bf16(float value) {
#ifdef __CUDA_ARCH__
    bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
    const uint32_t u = std::bit_cast<uint32_t>(value);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    // Rounding a NaN could carry into infinity, so its payload is cut and made quiet instead.
    bits = nan ? static_cast<uint16_t>((u >> 16) | 0x0040u)
               : static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
#endif
  }
  GW_HOST_DEVICE operator float() const {
#ifdef __CUDA_ARCH__
    return __uint_as_float(static_cast<uint32_t>(bits) << 16);
#else
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
#endif
  }
};

/// Bytes of one element.
constexpr int64_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
    case DType::i32:
      return 4;
    case DType::i64:
      return 8;
  }
  return 0;
}

constexpr bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

/// "f32", "bf16", "u8", "i32", "i64".
constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
  }
  return "?";
}

/// The inverse of name_of; ConfigError for another name.
DType dtype_from_name(std::string_view name);

/// The dtype that arithmetic on `a` and `b` gives: the wider float, else the wider integer (as PyTorch promotes
/// tensors).
DType promote(DType a, DType b);

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<bf16>() {
  return DType::bf16;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<int64_t>() {
  return DType::i64;
}

/// Calls `f` with a value of the C++ type that stores `dtype`: visit(t.dtype(), [&](auto v) { using T = decltype(v);
/// ... }).
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::bf16:
      return f(bf16{});
    case DType::u8:
      return f(uint8_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      break;
  }
  return f(int64_t{});
}

/// As `visit`, for f32 and bf16 only; DTypeError, naming `op`, for an integer dtype.
template <class F>
decltype(auto) visit_floating(DType dtype, const char* op, F&& f) {
  if (dtype == DType::bf16) return f(bf16{});
  if (dtype != DType::f32)
    throw DTypeError(std::string(op) + ": expected f32 or bf16, got " + std::string(name_of(dtype)));
  return f(float{});
}

}  // namespace gw
