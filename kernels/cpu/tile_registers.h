// The tile registers of processors with AMX: eight matrices of 16 rows of 64 bytes, and one instruction that multiplies
// two of bf16 and adds the product to one of f32, 16 x 16 x 32 multiply-adds in 16 cycles. Elsewhere plain loops do the
// same, so that what is built on them is tested on any machine, and under the sanitizers, which see no assembly.
//
// An operand a is 16 rows of 32 bf16, along which the product sums. An operand b holds its 32 rows in pairs: row r,
// dword c is b[2 r][c] and b[2 r + 1][c]. Sums are 16 rows of 16 f32.
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && !defined(__SANITIZE_ADDRESS__)
#define GW_AMX 1
#else
#define GW_AMX 0
#endif

namespace gw::kernels::cpu::tile {

constexpr int kRows = 16;             ///< of any tile; also the columns of b and of the sums
constexpr int kDepth = 32;            ///< bf16 that one multiplication sums over
constexpr int kElements = 512;        ///< bf16 of an operand
constexpr int kSums = kRows * kRows;  ///< f32 of a tile of sums
constexpr int kRowBytes = 64;

/// True if this processor has tile registers, this program is compiled for them, and the system lets it use them.
bool in_hardware();

/// Makes a thread's tile registers usable, for as long as it lives.
class Registers {
 public:
  Registers();
  ~Registers();
  Registers(const Registers&) = delete;
  Registers& operator=(const Registers&) = delete;
};

#if GW_AMX

// Assembly of our own: the compiler's intrinsics do not tell it that a load reads memory, so that it may store too
// late.

template <int Tile>
void zero() {
  asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
}

/// Reads 16 rows of 64 bytes, `stride` bytes apart.
template <int Tile>
void load(const void* rows, int64_t stride) {
  asm volatile("tileloadd (%1,%2,1), %%tmm%c0" ::"i"(Tile), "r"(rows), "r"(stride) : "memory");
}

/// Writes 16 rows of 64 bytes, `stride` bytes apart.
template <int Tile>
void store(void* rows, int64_t stride) {
  asm volatile("tilestored %%tmm%c0, (%1,%2,1)" ::"i"(Tile), "r"(rows), "r"(stride) : "memory");
}

/// sums += a * b
template <int Sums, int A, int B>
void multiply_add() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sums), "i"(A), "i"(B));
}

#else

struct Emulated {
  alignas(kRowBytes) unsigned char bytes[kRows * kRowBytes];
};
inline thread_local Emulated emulated[8];

template <int Tile>
void zero() {
  emulated[Tile] = {};
}

template <int Tile>
void load(const void* rows, int64_t stride) {
  for (int r = 0; r < kRows; ++r)
    __builtin_memcpy(emulated[Tile].bytes + r * kRowBytes, static_cast<const char*>(rows) + r * stride, kRowBytes);
}

template <int Tile>
void store(void* rows, int64_t stride) {
  for (int r = 0; r < kRows; ++r)
    __builtin_memcpy(static_cast<char*>(rows) + r * stride, emulated[Tile].bytes + r * kRowBytes, kRowBytes);
}

/// sums += a * b for tiles in memory.
void multiply_add(float* sums, const bf16* a, const bf16* b);

template <int Sums, int A, int B>
void multiply_add() {
  multiply_add(reinterpret_cast<float*>(emulated[Sums].bytes), reinterpret_cast<const bf16*>(emulated[A].bytes),
               reinterpret_cast<const bf16*>(emulated[B].bytes));
}

#endif

}  // namespace gw::kernels::cpu::tile
