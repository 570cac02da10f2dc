// Mixing two images and two labels, element by element.
#pragma once

#include "kernels/math/host_device.h"
#include "kernels/mix.h"

namespace gw::math {

/// `keep` of an element and the rest of its partner.
GW_HOST_DEVICE inline float mix(float own, float partner, float keep) { return keep * own + (1 - keep) * partner; }

/// The image whose turn comes `shift` places before that of image `n`, around the end of the batch.
GW_HOST_DEVICE inline int64_t mix_partner(int64_t n, int64_t shift, int64_t images) {
  return n >= shift ? n - shift : n - shift + images;
}

/// The share of class `c` in a target that is `lam` of its own label and the rest of its partner's.
GW_HOST_DEVICE inline float mixed_target(int64_t c, int64_t own, int64_t partner, float lam) {
  return (c == own ? lam : 0.0f) + (c == partner ? 1 - lam : 0.0f);
}

}  // namespace gw::math
