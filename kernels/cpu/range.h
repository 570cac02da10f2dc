// Ranges of indices, and how work is cut into them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gw::kernels::cpu {

/// begin <= i < end; empty if end <= begin.
struct Range {
  int64_t begin, end;
  int64_t size() const { return std::max<int64_t>(0, end - begin); }
};

/// Part `i` of `parts` nearly equal parts of `total`.
inline Range part(int64_t total, int64_t i, int64_t parts) { return {total * i / parts, total * (i + 1) / parts}; }

/// a / b rounded up, for positive b.
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace gw::kernels::cpu
