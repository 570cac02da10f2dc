// The step from a data set in bytes to a batch in floats.
#pragma once

#include <optional>
#include <vector>

#include "kernels/augment.h"
#include "tensor/tensor.h"

namespace gw::kernels {

/// Gathers images by index, scales, normalises and converts them in one pass: out[n] = (images[indices[n]] / 255 -
/// mean) / std, with a mean and a standard deviation per channel. `images` u8 [M, C, H, W] contiguous, `indices` i64
/// [N]; the result is [N, C, H, W] in channels-last memory, f32 or bf16. Reads C*H*W bytes and writes 4 (or 2) times as
/// many per image. With `crop_flip` each image is shifted and mirrored on the way; what comes from outside of it is 0,
/// or, with pad_bytes, what a byte of 0 becomes. ShapeError for an index outside of [0, M) and for means or deviations
/// that are not one per channel.
Tensor batch_gather(const Tensor& images, const Tensor& indices, const std::vector<float>& mean,
                    const std::vector<float>& std, DType dtype, const std::optional<CropFlip>& crop_flip = {});

}  // namespace gw::kernels
