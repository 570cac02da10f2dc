#include "train/mix.h"

#include "kernels/mix.h"

namespace gw {

void Mix::before_batch(Learner& learner) {
  if (!learner.training || !options_.any()) return;
  const auto classes = static_cast<int64_t>(learner.train_loader.dataset().classes.size());
  if (classes == 0) throw ConfigError("mix: expected a data set that names its classes");
  auto& [x, y] = learner.batch;
  const int64_t height = x.size(2), width = x.size(3);
  const ImageMix mix = draw_mix(options_, x.size(0), height, width, learner.loader->generator());
  labels_ = y;
  x = kernels::mix_images(x, mix);
  y = kernels::mix_targets(labels_, classes, mix.shift, kept_share(mix, height, width));
}

void Mix::after_step(Learner& learner) {
  if (labels_.defined()) learner.batch.y = labels_;
}

}  // namespace gw
