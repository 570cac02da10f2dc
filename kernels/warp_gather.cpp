#include "kernels/warp_gather.h"

#include <fmt/format.h>

#include "kernels/cpu/warp_gather.h"
#include "kernels/cuda/warp_gather.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {

Tensor warp_gather(const Tensor& images, const Tensor& indices, const Tensor& warps, const std::vector<float>& mean,
                   const std::vector<float>& std, DType dtype, SamplePadding padding) {
  if (images.dim() != 4 || images.dtype() != DType::u8 || !images.is_contiguous())
    throw ShapeError(fmt::format("warp_gather: expected contiguous u8 images [M, C, H, W], got {} {}",
                                 name_of(images.dtype()), images.shape().to_string()));
  if (indices.dim() != 1 || indices.dtype() != DType::i64 || warps.dtype() != DType::f32 ||
      warps.shape() != Shape{indices.numel(), kWarpNumbers})
    throw ShapeError(fmt::format("warp_gather: expected i64 indices [N] and f32 warps [N, {}], got {} and {}",
                                 kWarpNumbers, indices.shape().to_string(), warps.shape().to_string()));
  check_same_device("warp_gather", {&images, &indices, &warps});
  const auto channels = static_cast<size_t>(images.size(1));
  if (mean.size() != channels || std.size() != channels)
    throw ShapeError(fmt::format("warp_gather: expected {} means and deviations, one per channel, got {} and {}",
                                 channels, mean.size(), std.size()));
  const Tensor out = empty({indices.numel(), images.size(1), images.size(2), images.size(3)},
                           {.dtype = dtype, .device = images.device()}, MemoryFormat::channels_last);
  if (out.numel() == 0) return out;
  if (images.size(0) == 0) throw ShapeError("warp_gather: expected at least one image to gather from, got none");
  GW_DISPATCH(images, warp_gather(out, images, contiguous(indices), contiguous(warps), mean, std, padding));
  return out;
}

}  // namespace gw::kernels
