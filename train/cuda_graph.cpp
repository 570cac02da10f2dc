#include "train/cuda_graph.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// Libraries choose their algorithms and optimizers make their state in the first steps.
constexpr int64_t kEagerSteps = 3;

bool same_form(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.strides() == b.strides() && a.dtype() == b.dtype();
}

}  // namespace

void CudaGraphCallback::before_fit(Learner& learner) {
  eager_steps_ = 0;
  learner.training_step = [this](Learner& l) { step(l); };
}

void CudaGraphCallback::cleanup_fit(Learner& learner) {
  learner.training_step = &Learner::eager_step;
  prediction_ = loss_ = Tensor();
  batch_ = {};
  graph_.reset();
}

void CudaGraphCallback::step(Learner& learner) {
  if (!learner.batch.x.device().is_cuda())
    throw ConfigError(fmt::format("CUDA graph: expected batches on a CUDA device, got them on {}",
                                  learner.batch.x.device().to_string()));
  if (!learner.optimizer->is_fused())
    throw ConfigError("CUDA graph: expected an optimizer with a fused kernel (any of --opt, but not a centred RMSProp)");
  if (eager_steps_ < kEagerSteps) {
    ++eager_steps_;
    return learner.eager_step();
  }
  if (!graph_) capture(learner);
  if (same_form(batch_.x, learner.batch.x) && same_form(batch_.y, learner.batch.y)) return replay(learner);
  learner.eager_step();
}

void CudaGraphCallback::capture(Learner& learner) {
  const Batch given = learner.batch;
  batch_ = {empty_like(given.x), empty_like(given.y)};
  graph_ = std::make_unique<cuda::Graph>(given.x.device());
  learner.batch = batch_;
  graph_->capture([&] {
    learner.forward_and_backward();
    learner.optimizer->launch_step();
  });
  prediction_ = learner.prediction.detach();
  loss_ = learner.loss.detach();
  learner.optimizer->zero_grad();
  learner.batch = given;
}

void CudaGraphCallback::replay(Learner& learner) {
  const NoGrad no_grad;
  batch_.x.copy_(learner.batch.x);
  batch_.y.copy_(learner.batch.y);
  learner.optimizer->begin_step();
  graph_->replay();
  learner.prediction = prediction_;
  learner.loss = loss_.clone();  // callbacks may keep it, and the next replay writes into the captured one
}

}  // namespace gw
