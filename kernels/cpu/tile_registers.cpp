#include "kernels/cpu/tile_registers.h"

#if GW_AMX
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace gw::kernels::cpu::tile {

#if GW_AMX

namespace {

// The operand of ldtilecfg: palette 1 is the one with eight tiles of 1 KB.
struct alignas(64) Configuration {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Linux gives a process the tiles' state only when asked to (arch_prctl, ARCH_REQ_XCOMP_PERM).
bool request_permission() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool in_hardware() {
  static const bool usable = __builtin_cpu_supports("amx-bf16") && request_permission();
  return usable;
}

Registers::Registers() {
  static const Configuration all_full = [] {
    Configuration c;
    for (int i = 0; i < 8; ++i) c.row_bytes[i] = kRowBytes, c.rows[i] = kRows;
    return c;
  }();
  in_hardware();  // whoever comes first asks the system for them
  asm volatile("ldtilecfg %0" ::"m"(all_full));
}

Registers::~Registers() { asm volatile("tilerelease" ::); }

#else

bool in_hardware() { return false; }

Registers::Registers() {}
Registers::~Registers() {}

// Rounds once, at the end: the registers lose less than additions in f32 would.
void multiply_add(float* sums, const bf16* a, const bf16* b) {
  for (int r = 0; r < kRows; ++r)
    for (int c = 0; c < kRows; ++c) {
      double sum = static_cast<double>(sums[r * kRows + c]);
      for (int k = 0; k < kDepth; ++k)
        sum += static_cast<double>(static_cast<float>(a[r * kDepth + k]) *
                                   static_cast<float>(b[k / 2 * kDepth + 2 * c + k % 2]));
      sums[r * kRows + c] = static_cast<float>(sum);
    }
}

#endif

}  // namespace gw::kernels::cpu::tile
