#include "kernels/mix.h"

#include <fmt/format.h>

#include "kernels/cpu/mix.h"
#include "kernels/cuda/mix.h"
#include "kernels/dispatch.h"
#include "kernels/layout.h"
#include "tensor/creation.h"

namespace gw {

float kept_share(const ImageMix& mix, int64_t height, int64_t width) {
  const auto mixed = static_cast<double>((mix.bottom - mix.top) * (mix.right - mix.left));
  const auto all = static_cast<double>(height * width);
  return static_cast<float>(1 - (1 - static_cast<double>(mix.keep)) * (all > 0 ? mixed / all : 0));
}

namespace kernels {
namespace {

/// ConfigError unless a batch of `images` has partners at that distance.
void check_shift(const char* op, int64_t shift, int64_t images) {
  if (shift < 0 || (shift >= images && shift > 0))
    throw ConfigError(fmt::format("{}: expected a shift from 0 to below the {} images, got {}", op, images, shift));
}

void check_share(const char* op, float share) {
  if (!(share >= 0 && share <= 1))
    throw ConfigError(fmt::format("{}: expected a share in [0, 1], got {:g}", op, share));
}

}  // namespace

Tensor mix_images(const Tensor& x, const ImageMix& mix) {
  if (x.dim() != 4 || !x.is_contiguous(MemoryFormat::channels_last))
    throw ShapeError(
        fmt::format("mix_images: expected [N, C, H, W] in channels-last memory, got {}", x.shape().to_string()));
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("mix_images: expected f32 or bf16, got {}", name_of(x.dtype())));
  check_shift("mix_images", mix.shift, x.size(0));
  check_share("mix_images", mix.keep);
  const bool inside = 0 <= mix.top && mix.top <= mix.bottom && mix.bottom <= x.size(2) && 0 <= mix.left &&
                      mix.left <= mix.right && mix.right <= x.size(3);
  if (!inside)
    throw ConfigError(fmt::format("mix_images: expected a box within {} x {}, got rows {} to {}, columns {} to {}",
                                  x.size(2), x.size(3), mix.top, mix.bottom, mix.left, mix.right));
  const Tensor out = empty_like(x);
  if (x.numel() > 0) GW_DISPATCH(x, mix_images(out, x, mix));
  return out;
}

Tensor mix_targets(const Tensor& labels, int64_t classes, int64_t shift, float lam) {
  if (labels.dim() != 1 || classes < 1)
    throw ShapeError(fmt::format("mix_targets: expected labels [N] of at least one class, got {} of {}",
                                 labels.shape().to_string(), classes));
  if (labels.dtype() != DType::i64)
    throw DTypeError(fmt::format("mix_targets: expected i64 labels, got {}", name_of(labels.dtype())));
  check_shift("mix_targets", shift, labels.numel());
  check_share("mix_targets", lam);
  const Tensor out = empty({labels.numel(), classes}, {.device = labels.device()});
  if (out.numel() > 0) GW_DISPATCH(labels, mix_targets(out, contiguous(labels), shift, lam));
  return out;
}

}  // namespace kernels
}  // namespace gw
