// A learner that is quick to train, for tests.
#pragma once

#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/sequential.h"
#include "nn/shape_layers.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "train/learner.h"

namespace gw {

/// Two classes of images of four pixels: bright on the left, or bright on the right.
inline ImageDataset two_classes(int64_t count) {
  std::vector<uint8_t> bytes;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t bright = static_cast<uint8_t>(150 + i * 37 % 100), dark = static_cast<uint8_t>(i * 53 % 100);
    labels.push_back(i % 2);
    const bool left = i % 2 == 0;
    for (bool first : {true, false, true, false}) bytes.push_back(first == left ? bright : dark);
  }
  return {from_values(bytes, {count, 1, 2, 2}, {.dtype = DType::u8}),
          from_values(labels, {count}, {.dtype = DType::i64}),
          {"left", "right"},
          {0.5f},
          {0.25f}};
}

inline ModulePtr small_model() {
  return std::make_shared<Sequential>(std::make_shared<Flatten>(), std::make_shared<Linear>(4, 2));
}

inline Learner make_learner(std::vector<CallbackPtr> callbacks = {}, double lr = 0.1) {
  manual_seed(7);
  return Learner(
      small_model(), Loader(two_classes(50), {.batch_size = 16, .shuffle = true}),
      Loader(two_classes(20), {.batch_size = 16}), [](const Tensor& p, const Tensor& t) { return cross_entropy(p, t); },
      [](std::vector<Tensor> params, double rate) { return sgd(std::move(params), {.lr = rate}); }, lr,
      std::move(callbacks));
}

}  // namespace gw
