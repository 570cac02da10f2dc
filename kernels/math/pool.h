// Where the windows of a pool lie, shared by the CPU's and the GPU's kernels.
#pragma once

#include <cstdint>

#include "kernels/math/host_device.h"

namespace gw::math {

/// One axis of a pool: `out` windows over `in` elements. An adaptive pool divides the axis evenly and has no kernel.
/// Int is 32 bits wide on the GPU, where divisions of 64 bits take several times as long.
template <class Int>
struct BasicPoolAxis {
  Int in = 0;
  Int out = 0;
  Int kernel = 0;
  Int stride = 0;
  Int padding = 0;
  bool adaptive = false;

  /// Window o covers the elements begin(o) to end(o) - 1.
  GW_HOST_DEVICE Int begin(Int o) const {
    if (adaptive) return o * in / out;
    return start(o) < 0 ? 0 : start(o);
  }
  GW_HOST_DEVICE Int end(Int o) const {
    if (adaptive) return ((o + 1) * in + out - 1) / out;
    return start(o) + kernel < in ? start(o) + kernel : in;
  }
  /// Elements of window o including those in the padding, but not beyond it (where ceil_mode may reach).
  GW_HOST_DEVICE Int padded_count(Int o) const {
    if (adaptive) return end(o) - begin(o);
    return (start(o) + kernel < in + padding ? start(o) + kernel : in + padding) - start(o);
  }
  /// The windows first(i) to last(i) - 1 cover element i.
  GW_HOST_DEVICE Int first(Int i) const {
    if (adaptive) return i * out / in;
    return i + padding < kernel ? 0 : (i + padding - kernel) / stride + 1;
  }
  GW_HOST_DEVICE Int last(Int i) const {
    const Int beyond = adaptive ? ((i + 1) * out + in - 1) / in : (i + padding) / stride + 1;
    return beyond < out ? beyond : out;
  }

 private:
  GW_HOST_DEVICE Int start(Int o) const { return o * stride - padding; }
};

/// A pool over memory of shape [images, h.in, w.in, channels]. Contiguous [N, C, H, W] is N * C images of one channel.
template <class Int>
struct BasicPoolGeometry {
  Int images = 0;
  Int channels = 0;
  BasicPoolAxis<Int> h;
  BasicPoolAxis<Int> w;
  bool count_include_pad = true;
  int64_t divisor = 0;  ///< 0: the window's number of elements

  /// What the average of window (oh, ow) multiplies its sum by.
  GW_HOST_DEVICE float scale(Int oh, Int ow) const {
    if (divisor != 0) return 1.0f / static_cast<float>(divisor);
    const Int count = count_include_pad ? h.padded_count(oh) * w.padded_count(ow)
                                        : (h.end(oh) - h.begin(oh)) * (w.end(ow) - w.begin(ow));
    return 1.0f / static_cast<float>(count);
  }
};

using PoolAxis = BasicPoolAxis<int64_t>;
using PoolGeometry = BasicPoolGeometry<int64_t>;

}  // namespace gw::math
