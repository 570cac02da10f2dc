// Gradient clipping during training.
#pragma once

#include "optim/clip.h"
#include "train/learner.h"

namespace gw {

/// Clips the norm of all gradients after every backward pass; see clip_grad_norm_.
class ClipGradients : public Callback {
 public:
  explicit ClipGradients(double max_norm) : max_norm_(max_norm) {}
  void after_backward(Learner& learner) override { clip_grad_norm_(learner.model->parameters(), max_norm_); }

 private:
  double max_norm_;
};

}  // namespace gw
