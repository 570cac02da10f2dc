// The bin of a histogram that a value falls into.
#pragma once

#include <cstdint>

#include "kernels/math/host_device.h"

namespace gw::math {

/// Bins of equal width from `low` to `high`. A value that is `high` is in the last one.
struct Bins {
  float low, high, per_unit;  ///< per_unit = count / (high - low)
  int32_t count;
};

/// The bin of `value`, or -1 if it lies outside (as NaN does).
GW_HOST_DEVICE inline int32_t bin_of(float value, const Bins& bins) {
  const bool inside = value >= bins.low && value <= bins.high;
  // The conversion of a value far outside would be undefined.
  const auto bin = static_cast<int32_t>(((inside ? value : bins.low) - bins.low) * bins.per_unit);
  const int32_t last = bins.count - 1;
  return inside ? (bin < last ? bin : last) : -1;
}

}  // namespace gw::math
