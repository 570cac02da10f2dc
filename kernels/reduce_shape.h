// ReduceShape: memory as the reductions see it.
#pragma once

#include <cstdint>

namespace gw::kernels {

/// Dense memory as [outer, reduced, inner]: element (o, r, i) at (o * reduced + r) * inner + i, results at o * inner +
/// i.
struct ReduceShape {
  int64_t outer, reduced, inner;
};

}  // namespace gw::kernels
