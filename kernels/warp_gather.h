// From a data set in bytes to a batch of floats, every image turned, zoomed, slanted, brightened on the way: whatever
// of that is wanted, in one pass.
#pragma once

#include <vector>

#include "kernels/grid_sample.h"
#include "tensor/tensor.h"

namespace gw {

/// What happens to one image: a row of a tensor.
struct ImageWarp {
  /// Takes a pixel (x, y, 1) of the result to (u w, v w, w), where (u, v) is a place in the image; row by row. Both are
  /// counted in pixels from the middle of the first.
  float matrix[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  float gain = 1, offset = 0;  ///< a byte b becomes gain * b + offset, held within 0 .. 255
  float top = 0, left = 0, bottom = 0,
        right = 0;  ///< pixels of the result from top, left to before bottom, right are 0
};
inline constexpr int64_t kWarpNumbers = 15;
static_assert(sizeof(ImageWarp) == kWarpNumbers * sizeof(float));

}  // namespace gw

namespace gw::kernels {

/// As batch_gather, each image n of the batch read through row n of `warps` (f32 [N, kWarpNumbers], each an ImageWarp),
/// between pixels by bilinear interpolation. Outside of the image lies what `padding` says, zeros after normalisation.
/// Reads four bytes a channel, mostly from the cache, and writes 4 (or 2) bytes a channel: one pass over the batch
/// whatever is done to it.
Tensor warp_gather(const Tensor& images, const Tensor& indices, const Tensor& warps, const std::vector<float>& mean,
                   const std::vector<float>& std, DType dtype, SamplePadding padding);

}  // namespace gw::kernels
