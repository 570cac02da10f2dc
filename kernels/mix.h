// Mixup and cutmix: every image of a batch mixed with another one of it, and its label with the other's. What is to be
// mixed is drawn in data/mix.h.
#pragma once

#include "tensor/tensor.h"

namespace gw {

/// How a batch is mixed. Image n meets image n - shift, counted around the end of the batch: torch.roll(x, shift, 0).
/// As batches are shuffled, that is a partner at random.
struct ImageMix {
  int64_t shift = 0;                                 ///< 0 .. N - 1
  float keep = 1;                                    ///< share of an image itself within the box; outside it is all
  int64_t top = 0, left = 0, bottom = 0, right = 0;  ///< the box: rows top .. bottom - 1, columns left .. right - 1
};

/// The share of an image of that size that remains its own, and so that of its label.
float kept_share(const ImageMix& mix, int64_t height, int64_t width);

}  // namespace gw

namespace gw::kernels {

/// Each image of x [N, C, H, W] (f32 or bf16, in channels-last memory) mixed with its partner: within the box
/// keep x + (1 - keep) partner, elsewhere x. One pass: reads x, and again the box, and writes the result. With the
/// whole image as the box it is mixup (Zhang et al. 2017), with keep = 0 cutmix (Yun et al. 2019). ShapeError or
/// DTypeError for another x; ConfigError for a shift, a share or a box out of range.
Tensor mix_images(const Tensor& x, const ImageMix& mix);

/// Labels [N] (i64) as probabilities f32 [N, classes]: `lam` for a label's class, 1 - lam for that of its partner (see
/// ImageMix). The cross entropy of these is lam CE(labels) + (1 - lam) CE(partners' labels). ShapeError or DTypeError
/// for other labels, and for one that is no class (on CUDA devices when results are read).
Tensor mix_targets(const Tensor& labels, int64_t classes, int64_t shift, float lam);

}  // namespace gw::kernels
