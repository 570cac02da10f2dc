// Prefetch: what a loop will read next comes into the L2 cache while it still computes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/range.h"

namespace gw::kernels::cpu {

/// Brings memory into the L2 cache a few lines at a time, between other work.
class Prefetch {
 public:
  Prefetch() = default;
  /// The `bytes` from `begin` on, in about `steps` calls of step().
  Prefetch(const void* begin, int64_t bytes, int64_t steps) : Prefetch(begin, 1, bytes, bytes, steps) {}
  /// `pieces` of `bytes` each, which begin `distance` bytes apart.
  Prefetch(const void* begin, int64_t pieces, int64_t distance, int64_t bytes, int64_t steps)
      : at_(static_cast<const char*>(begin)),
        bytes_(bytes),
        distance_(distance),
        pieces_(bytes > 0 ? pieces : 0),
        lines_(ceil_div(pieces * ceil_div(bytes, kLine), std::max<int64_t>(1, steps))) {}

  void step() {
    for (int64_t i = 0; i < lines_ && pieces_ > 0; ++i, offset_ += kLine) {
      if (offset_ >= bytes_) {
        offset_ = 0, at_ += distance_;
        if (--pieces_ == 0) return;
      }
      __builtin_prefetch(at_ + offset_, 0, 2);
    }
  }

 private:
  static constexpr int64_t kLine = 64;
  const char* at_ = nullptr;
  int64_t bytes_ = 0, distance_ = 0, pieces_ = 0, lines_ = 0, offset_ = 0;
};

}  // namespace gw::kernels::cpu
