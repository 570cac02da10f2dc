// IndexShape: memory as the index kernels see it.
#pragma once

#include <cstdint>

namespace gw::kernels {

/// Contiguous memory as [outer, along, inner], where `along` is the dimension that is indexed.
struct IndexShape {
  int64_t outer, along, inner;
};

}  // namespace gw::kernels
