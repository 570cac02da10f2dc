// Training on a CUDA device, real or emulated: the same run as on the CPU, without waiting, and as one graph.
#include <gtest/gtest.h>

#include "nn/activation.h"
#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/models/resblock.h"
#include "nn/pool.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"
#include "train/augment.h"
#include "train/cuda_graph.h"
#include "train/guards.h"
#include "train/metrics.h"
#include "train/recorder.h"
#include "train/schedulers.h"

#if GROUNDWORK_EMULATE_CUDA
#include "kernels/cuda/emulator/emulator.h"
#endif

namespace gw {
namespace {

constexpr int64_t kImages = 64, kClasses = 4, kSide = 12;

/// Noise whose brightness tells the class.
ImageDataset noisy_images() {
  ImageDataset data;
  Generator generator(11);
  const Tensor labels = randint(0, kClasses, {kImages}, {.dtype = DType::i64}, generator);
  const Tensor noise = rand({kImages, 1, kSide, kSide}, {}, generator);
  const Tensor level = labels.to(DType::f32).reshape({kImages, 1, 1, 1});
  data.images = (noise * 120.0 + level * 40.0).to(DType::u8);
  data.labels = labels;
  data.classes = {"a", "b", "c", "d"};
  data.mean = {0.45f};
  data.std = {0.25f};
  return data;
}

ModulePtr small_resnet(double drop) {
  auto model = std::make_shared<Sequential>(ResBlock(1, 8), ResBlock(8, 16), GlobalAvgPool(), Dropout(drop),
                                            Linear(16, kClasses));
  model->apply(init_weights(0.1));
  return model;
}

struct History {
  std::vector<float> losses;
  Tensor weight;
};

struct RunOptions {
  Device device = kCpu;
  DType dtype = DType::f32;
  double drop = 0;
  std::string augment = {};
  int64_t epochs = 3, batch = 16;
  std::vector<CallbackPtr> callbacks = {};
};

History train(const RunOptions& o) {
  manual_seed(5);
  const ModulePtr model = small_resnet(o.drop);
  model->to(o.device);
  const ImageDataset data = noisy_images().to(o.device);
  const Loader loader(data, {.batch_size = o.batch, .shuffle = true, .dtype = o.dtype});
  const auto recorder = std::make_shared<Recorder>();
  std::vector<CallbackPtr> callbacks{
      std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
      std::make_shared<BatchScheduler>(OneCycle{.max_lr = 1e-2, .total_steps = o.epochs * loader.size()}),
      std::make_shared<Augment>(parse_augmentation(o.augment, true)), std::make_shared<NanGuard>(), recorder};
  callbacks.insert(callbacks.end(), o.callbacks.begin(), o.callbacks.end());
  Learner learner(
      model, loader, loader, [](const Tensor& p, const Tensor& t) { return cross_entropy(p, t); },
      [](std::vector<Tensor> params, double lr) { return adamw(std::move(params), {.lr = lr}); }, 1e-2, callbacks);
  learner.fit(o.epochs);
  return {recorder->losses(), model->parameters().front().detach().to(kCpu)};
}

void expect_same_losses(const std::vector<float>& actual, const std::vector<float>& expected, double rtol) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], rtol * std::abs(expected[i])) << "step " << i;
}

class CudaTraining : public CudaTest {};

TEST_F(CudaTraining, FollowsTheCpusLossCurve) {
  RunOptions o;
  const History here = train(o);
  o.device = kCuda;
  const History there = train(o);
  expect_same_losses(there.losses, here.losses, 1e-4);
  expect_close(there.weight, here.weight, 1e-2, 1e-3);
}

TEST_F(CudaTraining, DrawsTheSameAugmentationAndDropoutAsTheCpu) {
  RunOptions o{.drop = 0.3, .augment = "crop=2,flip,erase,copy", .epochs = 1};
  const History here = train(o);
  o.device = kCuda;
  expect_same_losses(train(o).losses, here.losses, 1e-4);
}

TEST_F(CudaTraining, MixedPrecisionFollowsTheCpu) {
  RunOptions o{.dtype = DType::bf16, .epochs = 2};
  const History here = train(o);
  o.device = kCuda;
  expect_same_losses(train(o).losses, here.losses, 2e-2);
}

TEST_F(CudaTraining, AGraphDoesWhatTheEagerStepsDo) {
  // Five batches of 13, the last one of 12 done eagerly; dropout goes on in the random stream.
  RunOptions o{.device = kCuda, .drop = 0.2, .augment = "flip", .epochs = 3, .batch = 13};
  const History eager = train(o);
  o.callbacks = {std::make_shared<CudaGraphCallback>()};
  const History graph = train(o);
  EXPECT_EQ(graph.losses, eager.losses);
  expect_close(graph.weight, eager.weight, 0, 0);
}

TEST_F(CudaTraining, AGraphNeedsACudaDevice) {
  EXPECT_NE(message_of<ConfigError>([] {
              train({.callbacks = {std::make_shared<CudaGraphCallback>()}});
            }).find("expected batches on a CUDA device"),
            std::string::npos);
}

#if GROUNDWORK_EMULATE_CUDA
/// Counts how often the host waited between the first and the last step of each epoch of training.
class WaitCounter : public Callback {
 public:
  void before_batch(Learner& learner) override {
    if (learner.training && learner.iteration == 0) start_ = emulator::synchronizations();
  }
  void after_batch(Learner& learner) override {
    if (learner.training) waits = emulator::synchronizations() - start_;
  }
  int64_t waits = -1;

 private:
  int64_t start_ = 0;
};

TEST_F(CudaTraining, NoStepWaitsForTheDevice) {
  const auto counter = std::make_shared<WaitCounter>();
  train({.device = kCuda, .drop = 0.1, .augment = "crop,flip,erase,copy", .epochs = 2, .callbacks = {counter}});
  EXPECT_EQ(counter->waits, 0);
}
#endif

}  // namespace
}  // namespace gw
