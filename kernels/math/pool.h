// Where the windows of a pool lie, shared by the CPU's and the GPU's kernels.
#pragma once

#include <cstdint>

#include "kernels/math/host_device.h"

namespace gw::math {

/// One axis of a pool: `out` windows over `in` elements. An adaptive pool divides the axis evenly and has no kernel.
struct PoolAxis {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 0;
  int64_t stride = 0;
  int64_t padding = 0;
  bool adaptive = false;

  /// Window o covers the elements begin(o) to end(o) - 1.
  GW_HOST_DEVICE int64_t begin(int64_t o) const {
    if (adaptive) return o * in / out;
    return start(o) < 0 ? 0 : start(o);
  }
  GW_HOST_DEVICE int64_t end(int64_t o) const {
    if (adaptive) return ((o + 1) * in + out - 1) / out;
    return start(o) + kernel < in ? start(o) + kernel : in;
  }
  /// Elements of window o including those in the padding, but not beyond it (where ceil_mode may reach).
  GW_HOST_DEVICE int64_t padded_count(int64_t o) const {
    if (adaptive) return end(o) - begin(o);
    return (start(o) + kernel < in + padding ? start(o) + kernel : in + padding) - start(o);
  }
  /// The windows first(i) to last(i) - 1 cover element i.
  GW_HOST_DEVICE int64_t first(int64_t i) const {
    if (adaptive) return i * out / in;
    return i + padding < kernel ? 0 : (i + padding - kernel) / stride + 1;
  }
  GW_HOST_DEVICE int64_t last(int64_t i) const {
    const int64_t beyond = adaptive ? ((i + 1) * out + in - 1) / in : (i + padding) / stride + 1;
    return beyond < out ? beyond : out;
  }

 private:
  GW_HOST_DEVICE int64_t start(int64_t o) const { return o * stride - padding; }
};

/// A pool over memory of shape [images, h.in, w.in, channels]. Contiguous [N, C, H, W] is N * C images of one channel.
struct PoolGeometry {
  int64_t images = 0;
  int64_t channels = 0;
  PoolAxis h;
  PoolAxis w;
  bool count_include_pad = true;
  int64_t divisor = 0;  ///< 0: the window's number of elements

  /// What the average of window (oh, ow) multiplies its sum by.
  GW_HOST_DEVICE float scale(int64_t oh, int64_t ow) const {
    if (divisor != 0) return 1.0f / static_cast<float>(divisor);
    const int64_t count = count_include_pad ? h.padded_count(oh) * w.padded_count(ow)
                                            : (h.end(oh) - h.begin(oh)) * (w.end(ow) - w.begin(ow));
    return 1.0f / static_cast<float>(count);
  }
};

}  // namespace gw::math
