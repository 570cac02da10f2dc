// The whole training step as one CUDA graph.
#pragma once

#include <memory>

#include "tensor/cuda_graph.h"
#include "train/learner.h"

namespace gw {

/// Captures forward, backward and the optimizer's step in a graph after a few eager steps, and replays it from then on:
/// one launch in place of hundreds. Batches of another shape than the captured one (the odd last one of an epoch) are
/// done eagerly. The callbacks after_predict, after_loss and after_backward run while the step is captured, so what
/// they give to the device is replayed, and nothing else that they do. ConfigError, at the first step, unless the model
/// is on a GPU and its optimizer has a fused kernel.
class CudaGraphCallback : public Callback {
 public:
  void before_fit(Learner& learner) override;
  void cleanup_fit(Learner& learner) override;
  /// Operations in the graph; 0 before it is captured.
  int64_t nodes() const { return graph_ ? graph_->nodes() : 0; }

 private:
  void step(Learner& learner);
  void capture(Learner& learner);
  void replay(Learner& learner);

  std::unique_ptr<cuda::Graph> graph_;
  Batch batch_;  // what the graph reads
  Tensor prediction_, loss_;
  int64_t eager_steps_ = 0;
};

}  // namespace gw
