// A character model's training step as one CUDA graph, on a real device or the emulated one.
#include <gtest/gtest.h>

#include "data/text.h"
#include "nn/losses.h"
#include "nn/models/char_models.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "tensor/cuda.h"
#include "train/cuda_graph.h"
#include "train/learner.h"

namespace gw {
namespace {

/// Writes down the losses of training, and lets the model forget before each pass.
class Watch : public Callback {
 public:
  explicit Watch(std::shared_ptr<StatefulCharModel> model) : model_(std::move(model)) {}
  void before_epoch(Learner&) override { model_->reset_state(); }
  void after_step(Learner& learner) override { losses.push_back(learner.loss.item()); }
  std::vector<double> losses;

 private:
  std::shared_ptr<StatefulCharModel> model_;
};

std::vector<double> losses_of_training(RecurrentCell cell, bool graph) {
  manual_seed(1);
  std::vector<int64_t> text;
  for (int64_t i = 0; i < 400; ++i) text.push_back(i * i % 7);
  const Tensor tokens = from_values<int64_t>(text, {400}, {.dtype = DType::i64});
  StatefulCharOptions o;
  o.vocabulary = 7;
  o.embed = 4;
  o.hidden = 8;
  o.cell = cell;
  o.layers = 2;
  const auto model = std::make_shared<StatefulCharModel>(o);
  const Device device = device_from_name("cuda");
  model->to(device);
  const auto batches = [&] {
    return Loader(
        std::make_shared<TextBatches>(tokens, TextBatchOptions{.batch_size = 5, .bptt = 10, .device = device}));
  };
  const auto watch = std::make_shared<Watch>(model);
  Learner learner(
      model, batches(), batches(),
      [](const Tensor& x, const Tensor& y) {
        return cross_entropy(x.reshape({-1, 7}), y.reshape({-1}));
      },
      [](std::vector<Tensor> params, double lr) { return adam(std::move(params), {.lr = lr}); }, 1e-2, {watch});
  if (graph) learner.callbacks.push_back(std::make_shared<CudaGraphCallback>());
  learner.fit(2);
  return watch->losses;
}

TEST(CharGraph, DoesWhatTheEagerStepsDo) {
  if (cuda::device_count() == 0) GTEST_SKIP() << "needs a CUDA device";
  for (const RecurrentCell cell : {RecurrentCell::gru, RecurrentCell::lstm}) {
    const std::vector<double> eager = losses_of_training(cell, false);
    EXPECT_EQ(eager.size(), 16u);
    EXPECT_EQ(losses_of_training(cell, true), eager);
  }
}

}  // namespace
}  // namespace gw
