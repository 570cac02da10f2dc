// Mixup and cutmix: what is drawn for a batch.
#pragma once

#include <optional>

#include "kernels/mix.h"
#include "tensor/random.h"

namespace gw {

/// The alpha of each kind, of those that are wanted; with both, every batch takes one of them, each as often.
struct MixOptions {
  /// mixup (Zhang et al., "mixup: beyond empirical risk minimization", 2017): lam x + (1 - lam) partner.
  std::optional<double> mixup = {};
  /// cutmix (Yun et al., "CutMix: regularization strategy to train strong classifiers", 2019): a box of 1 - lam of the
  /// image is the partner's.
  std::optional<double> cutmix = {};

  bool any() const { return mixup || cutmix; }
};

/// ConfigError unless the alphas that are given are finite and above 0.
void check(const MixOptions& o);

/// A number between 0 and 1 of the distribution Beta(alpha, alpha): 0.5 on average; near 0 or 1 for a small alpha, for
/// 1 anywhere alike. Made of two gamma variates (Marsaglia and Tsang, "A simple method for generating gamma variables",
/// 2000). ConfigError unless alpha is finite and above 0.
double draw_beta(double alpha, Generator& generator);

/// The box of cutmix as torchvision draws it: sides of sqrt(1 - lam) of the image's around a pixel drawn uniformly, cut
/// off at the image's edges. The mix keeps nothing within it.
ImageMix draw_cut(double lam, int64_t height, int64_t width, Generator& generator);

/// How to mix a batch of `images` images of that size: the kind, lam of Beta(alpha, alpha), the box, and the partners,
/// of which no image is its own unless it is the only one.
ImageMix draw_mix(const MixOptions& o, int64_t images, int64_t height, int64_t width, Generator& generator);

}  // namespace gw
