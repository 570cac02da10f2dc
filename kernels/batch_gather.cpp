#include "kernels/batch_gather.h"

#include <fmt/format.h>

#include "kernels/cpu/batch_gather.h"
#include "kernels/cuda/batch_gather.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw::kernels {

Tensor batch_gather(const Tensor& images, const Tensor& indices, const std::vector<float>& mean,
                    const std::vector<float>& std, DType dtype, const std::optional<CropFlip>& crop_flip) {
  if (images.dim() != 4 || images.dtype() != DType::u8 || !images.is_contiguous())
    throw ShapeError(fmt::format("batch_gather: expected contiguous u8 images [M, C, H, W], got {} {}",
                                 name_of(images.dtype()), images.shape().to_string()));
  if (indices.dim() != 1 || indices.dtype() != DType::i64)
    throw ShapeError(fmt::format("batch_gather: expected i64 indices [N], got {} {}", name_of(indices.dtype()),
                                 indices.shape().to_string()));
  check_same_device("batch_gather", {&images, &indices});
  const auto channels = static_cast<size_t>(images.size(1));
  if (mean.size() != channels || std.size() != channels)
    throw ShapeError(fmt::format("batch_gather: expected {} means and deviations, one per channel, got {} and {}",
                                 channels, mean.size(), std.size()));
  const Tensor out = empty({indices.numel(), images.size(1), images.size(2), images.size(3)},
                           {.dtype = dtype, .device = images.device()}, MemoryFormat::channels_last);
  GW_DISPATCH(images, batch_gather(out, images, contiguous(indices), mean, std, crop_flip));
  return out;
}

}  // namespace gw::kernels
