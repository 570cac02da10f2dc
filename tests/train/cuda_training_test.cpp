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
#include "tests/data/temporary_folder.h"
#include "train/activation_stats.h"
#include "train/augment.h"
#include "train/averaged_weights.h"
#include "train/checkpoint.h"
#include "train/cuda_graph.h"
#include "train/guards.h"
#include "train/label_smoothing.h"
#include "train/lr_finder.h"
#include "train/metrics.h"
#include "train/mix.h"
#include "train/predictions.h"
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

Learner make_learner(const RunOptions& o) {
  manual_seed(5);
  const ModulePtr model = small_resnet(o.drop);
  model->to(o.device);
  const ImageDataset data = noisy_images().to(o.device);
  const Loader loader(data, {.batch_size = o.batch, .shuffle = true, .dtype = o.dtype});
  std::vector<CallbackPtr> callbacks{
      std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
      std::make_shared<BatchScheduler>(OneCycle{.max_lr = 1e-2, .total_steps = o.epochs * loader.size()}),
      std::make_shared<Augment>(parse_augmentation(o.augment, true)), std::make_shared<NanGuard>()};
  callbacks.insert(callbacks.end(), o.callbacks.begin(), o.callbacks.end());
  return Learner(
      model, loader, loader, [](const Tensor& p, const Tensor& t) { return cross_entropy(p, t); },
      [](std::vector<Tensor> params, double lr) { return adamw(std::move(params), {.lr = lr}); }, 1e-2, callbacks);
}

Tensor first_weight(const Learner& learner) { return learner.model->parameters().front().detach().to(kCpu); }

History train(const RunOptions& o) {
  Learner learner = make_learner(o);
  const auto recorder = std::make_shared<Recorder>();
  learner.callbacks.push_back(recorder);
  learner.fit(o.epochs);
  return {recorder->losses(), first_weight(learner)};
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
  const auto averages = [] { return std::make_shared<AveragedWeights>(0.8); };
  o.callbacks = {averages(), std::make_shared<LabelSmoothing>(0.1)};
  const History eager = train(o);
  o.callbacks = {averages(), std::make_shared<LabelSmoothing>(0.1), std::make_shared<CudaGraphCallback>()};
  const History graph = train(o);
  EXPECT_EQ(graph.losses, eager.losses);
  expect_close(graph.weight, eager.weight, 0, 0);
}

TEST_F(CudaTraining, MixesTheSameAsTheCpuAlsoInAGraph) {
  const auto mix = [] { return std::make_shared<Mix>(MixOptions{.mixup = 0.4, .cutmix = 1.0}); };
  RunOptions o{.augment = "flip", .epochs = 2, .batch = 13, .callbacks = {mix()}};
  const History here = train(o);
  o.device = kCuda;
  const History there = train(o);
  expect_same_losses(there.losses, here.losses, 1e-4);
  o.callbacks = {mix(), std::make_shared<CudaGraphCallback>()};
  EXPECT_EQ(train(o).losses, there.losses);
}

TEST_F(CudaTraining, AveragesTheSameWeightsAsTheCpu) {
  RunOptions o{.epochs = 2,
               .callbacks = {std::make_shared<AveragedWeights>(0.8), std::make_shared<LabelSmoothing>(0.1)}};
  const History here = train(o);
  const Tensor last = [&] {
    RunOptions plain{.epochs = 2, .callbacks = {std::make_shared<LabelSmoothing>(0.1)}};
    return train(plain).weight;
  }();
  EXPECT_NE(here.weight.to_vector<float>(), last.to_vector<float>());
  o.device = kCuda;
  const History there = train(o);
  expect_same_losses(there.losses, here.losses, 1e-4);
  expect_close(there.weight, here.weight, 1e-2, 1e-3);
}

TEST_F(CudaTraining, ResumesBitForBit) {
  const TemporaryFolder folder;
  const auto callbacks = [] {
    return std::vector<CallbackPtr>{std::make_shared<AveragedWeights>(0.8), std::make_shared<CudaGraphCallback>()};
  };
  RunOptions o{.device = kCuda, .drop = 0.2, .augment = "crop,flip,erase", .callbacks = callbacks()};
  const History whole = train(o);
  // The same schedule, ended after the first epoch.
  struct Stop : Callback {
    int order() const override { return 200; }
    void after_epoch(Learner& learner) override {
      if (!learner.training) throw CancelFit{};
    }
  };
  o.callbacks = callbacks();
  o.callbacks.push_back(std::make_shared<CheckpointCallback>(folder.file("c"), std::map<std::string, std::string>{}));
  o.callbacks.push_back(std::make_shared<Stop>());
  train(o);
  o.callbacks = callbacks();
  o.callbacks.push_back(std::make_shared<ResumeCallback>(load_checkpoint(folder.file("c"))));
  expect_close(train(o).weight, whole.weight, 0, 0);
}

TEST_F(CudaTraining, TestTimeViewsAndDropoutSamplesAgreeWithTheCpu) {
  const auto learner_on = [](Device device) {
    Learner learner = make_learner({.device = device, .drop = 0.3});
    learner.valid_loader = Loader(learner.train_loader.dataset(), {.batch_size = 16});  // in order
    return learner;
  };
  Learner here = learner_on(kCpu), there = learner_on(kCuda);
  expect_close(predict_views(there, test_time_views(18)).first.to(kCpu), predict_views(here, test_time_views(18)).first,
               1e-3, 1e-3);
  manual_seed(3);
  const DropoutPrediction sampled_here = predict_with_dropout(here, 3);
  manual_seed(3);
  const DropoutPrediction sampled_there = predict_with_dropout(there, 3);
  expect_close(sampled_there.probabilities.to(kCpu), sampled_here.probabilities, 1e-3, 1e-3);
  expect_close(sampled_there.spread.to(kCpu), sampled_here.spread, 1e-2, 1e-3);
  EXPECT_GT(sampled_here.spread.mean().item(), 0.001);
}

TEST_F(CudaTraining, TheLearningRateFinderSeesTheSameLosses) {
  Learner here = make_learner({}), there = make_learner({.device = kCuda});
  const LRFinderOptions o{.start_lr = 1e-3, .gamma = 1.5, .end_lr = 0.05};
  const LRFinderResult found_here = find_lr(here, o), found_there = find_lr(there, o);
  EXPECT_EQ(found_there.lrs, found_here.lrs);
  ASSERT_EQ(found_there.losses.size(), 10u);
  for (size_t i = 0; i < found_here.losses.size(); ++i)
    EXPECT_NEAR(found_there.losses[i], found_here.losses[i], 1e-3 * found_here.losses[i]) << i;
}

TEST_F(CudaTraining, ActivationStatisticsAgreeWithTheCpu) {
  const auto here = std::make_shared<ActivationStats>(direct_children());
  const auto there = std::make_shared<ActivationStats>(direct_children());
  train({.epochs = 1, .callbacks = {here}});
  train({.device = kCuda, .epochs = 1, .callbacks = {there}});
  const auto expected = here->layers(), actual = there->layers();
  ASSERT_EQ(actual.size(), 5u);
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].name, expected[i].name);
    ASSERT_EQ(actual[i].means.size(), 4u);
    for (size_t s = 0; s < actual[i].means.size(); ++s) {
      EXPECT_NEAR(actual[i].means[s], expected[i].means[s], 1e-3) << actual[i].name;
      EXPECT_NEAR(actual[i].stds[s], expected[i].stds[s], 1e-3) << actual[i].name;
      EXPECT_NEAR(actual[i].dead[s], expected[i].dead[s], 5e-3) << actual[i].name;
    }
  }
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
  const auto averages = std::make_shared<AveragedWeights>(0.9);
  train({.device = kCuda,
         .drop = 0.1,
         .augment = "crop,flip,erase,copy",
         .epochs = 2,
         .callbacks = {counter, averages, std::make_shared<LabelSmoothing>(0.1),
                       std::make_shared<Mix>(MixOptions{.mixup = 0.4, .cutmix = 1.0})}});
  EXPECT_EQ(counter->waits, 0);
}
#endif

}  // namespace
}  // namespace gw
