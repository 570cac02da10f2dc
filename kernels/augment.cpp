#include "kernels/augment.h"

#include <fmt/format.h>

#include "kernels/cpu/augment.h"
#include "kernels/cuda/augment.h"
#include "kernels/dispatch.h"
#include "kernels/layout.h"
#include "kernels/math/augment.h"
#include "tensor/creation.h"

namespace gw::kernels {
namespace {

constexpr int64_t kWordsPerBlock = 4;

void check_batch(const char* op, const Tensor& x) {
  if (x.dim() != 4 || !x.is_contiguous(MemoryFormat::channels_last))
    throw ShapeError(
        fmt::format("{}: expected [N, C, H, W] in channels-last memory, got {}", op, x.shape().to_string()));
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, name_of(x.dtype())));
}

/// The place in the stream from which the patches are drawn.
PhiloxState reserve_patches(const Tensor& x, const PatchOptions& o, Generator& generator) {
  const int64_t items = o.per_image ? x.size(0) : 1;
  return generator.reserve(kWordsPerBlock * items * math::patch_blocks(o.max_num));
}

}  // namespace

void check(const CropFlipOptions& o) {
  if (o.padding < 0) throw ConfigError(fmt::format("random crop: expected a padding of at least 0, got {}", o.padding));
  if (!(o.flip >= 0 && o.flip <= 1))
    throw ConfigError(fmt::format("random flip: expected a probability in [0, 1], got {:g}", o.flip));
}

void check(const PatchOptions& o) {
  if (!(o.pct >= 0 && o.pct <= 1))
    throw ConfigError(fmt::format("random patches: expected a share of the image in [0, 1], got {:g}", o.pct));
  if (o.max_num < 0) throw ConfigError(fmt::format("random patches: expected at least 0 of them, got {}", o.max_num));
}

CropFlip draw_crop_flip(const CropFlipOptions& o, int64_t images, Generator& generator) {
  check(o);
  return {o, generator.reserve(kWordsPerBlock * (o.per_image ? images : 1))};
}

Tensor batch_statistics(const Tensor& x) {
  if (x.numel() == 0)
    throw ShapeError(fmt::format("batch_statistics: expected elements, got {}", x.shape().to_string()));
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("batch_statistics: expected f32 or bf16, got {}", name_of(x.dtype())));
  const Tensor statistics = empty({4}, {.device = x.device()});
  GW_DISPATCH(x, batch_statistics(statistics, dense(x)));
  return statistics;
}

void random_erase_(const Tensor& x, const PatchOptions& o, Generator& generator) {
  check(o);
  check_batch("random_erase", x);
  const PhiloxState patches = reserve_patches(x, o, generator);
  const PhiloxState noise = generator.reserve(x.numel());
  if (x.numel() == 0) return;
  const Tensor statistics = batch_statistics(x);
  x.storage()->bump_version();
  GW_DISPATCH(x, random_erase(x, o, statistics, patches, noise));
}

Tensor random_copy(const Tensor& x, const PatchOptions& o, Generator& generator) {
  check(o);
  check_batch("random_copy", x);
  const PhiloxState patches = reserve_patches(x, o, generator);
  const Tensor y = empty_like(x);
  GW_DISPATCH(x, random_copy(y, x, o, patches));
  return y;
}

}  // namespace gw::kernels
