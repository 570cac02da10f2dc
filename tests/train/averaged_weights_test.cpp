#include "train/averaged_weights.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "nn/batchnorm.h"
#include "tests/data/temporary_folder.h"
#include "tests/train/small_learner.h"
#include "train/checkpoint.h"
#include "train/guards.h"
#include "train/save.h"

namespace gw {
namespace {

Tensor weight_of(const Learner& learner) { return learner.model->state_dict().front().second; }
float first_weight(const Learner& learner) { return weight_of(learner).detach().to_vector<float>().front(); }

/// Sets all weights to 1 after the first step, to 2 after the second, ..., and notes what validation and training see.
class SetWeights : public Callback {
 public:
  int order() const override { return -30; }
  void before_fit(Learner& learner) override { set(learner, 0); }
  void after_step(Learner& learner) override { set(learner, static_cast<double>(learner.step)); }
  void before_batch(Learner& learner) override {
    if (learner.iteration == 0) (learner.training ? trained : validated).push_back(first_weight(learner));
  }
  std::vector<float> trained, validated;

 private:
  static void set(Learner& learner, double value) {
    const NoGrad no_grad;
    for (auto& [name, t] : learner.model->state_dict()) t.detach().fill_(value);
  }
};

TEST(AveragedWeights, FollowTheFormula) {
  const auto weights = std::make_shared<SetWeights>();
  Learner learner = make_learner({weights, std::make_shared<AveragedWeights>(0.3)});
  learner.fit(2);
  // Four steps an epoch. The decays are 2/11, 3/12, then 0.3 as 4/13 is more:
  // 9/11, then 0.25 * 9/11 + 0.75 * 2, then 0.3 of it + 0.7 * 3, then 0.3 of it + 0.7 * 4, ... up to 8.
  double expected = 9.0 / 11;
  expected = 0.25 * expected + 0.75 * 2;
  for (int step = 3; step <= 4; ++step) expected = 0.3 * expected + 0.7 * step;
  EXPECT_NEAR(expected, 3.5834091, 1e-6);
  ASSERT_EQ(weights->validated.size(), 2u);
  EXPECT_NEAR(weights->validated[0], expected, 1e-6);
  for (int step = 5; step <= 8; ++step) expected = 0.3 * expected + 0.7 * step;
  EXPECT_NEAR(weights->validated[1], expected, 1e-6);
  // Training goes on with the weights themselves, and the fit leaves the averages.
  EXPECT_EQ(weights->trained, (std::vector<float>{0, 4}));
  EXPECT_EQ(first_weight(learner), weights->validated[1]);
}

TEST(AveragedWeights, ChangeNothingInTraining) {
  // A decay of 0 makes the average the last weights, which end like those of a run without.
  Learner plain = make_learner();
  plain.fit(3);
  Learner averaged = make_learner({std::make_shared<AveragedWeights>(0)});
  averaged.fit(3);
  EXPECT_EQ(weight_of(averaged).to_vector<float>(), weight_of(plain).to_vector<float>());
}

TEST(AveragedWeights, AverageRunningStatisticsButNotCounters) {
  Learner learner = make_learner({std::make_shared<AveragedWeights>(0.9)});
  learner.model =
      std::make_shared<Sequential>(std::make_shared<Flatten>(), std::make_shared<BatchNorm1d>(4), Linear(4, 2));
  learner.train_loader = Loader(two_classes(48), {.batch_size = 16});
  std::vector<std::vector<float>> means;
  struct Watch : Callback {
    explicit Watch(std::vector<std::vector<float>>& out) : means(out) {}
    void after_step(Learner& l) override { means.push_back(l.model->buffers().front().to_vector<float>()); }
    std::vector<std::vector<float>>& means;
  };
  learner.callbacks.push_back(std::make_shared<Watch>(means));
  learner.fit(1);
  ASSERT_EQ(means.size(), 3u);
  double expected = 0;
  for (int t = 1; t <= 3; ++t) {
    const double decay = (1.0 + t) / (10.0 + t);
    expected = decay * expected + (1 - decay) * means[static_cast<size_t>(t - 1)][0];
  }
  EXPECT_NEAR(learner.model->buffers().front().to_vector<float>()[0], expected, 1e-6);
  EXPECT_EQ(learner.model->buffers().back().item(), 3) << "num_batches_tracked";
}

TEST(AveragedWeights, ACheckpointHoldsBothSets) {
  const TemporaryFolder folder;
  const auto averaged = [] { return std::make_shared<AveragedWeights>(0.9); };
  Learner whole = make_learner({averaged()});
  whole.fit(4);
  struct StopAfterTwo : Callback {
    int order() const override { return 200; }
    void after_epoch(Learner& l) override {
      if (!l.training && l.epoch == 1) throw CancelFit{};
    }
  };
  make_learner({averaged(), std::make_shared<StopAfterTwo>(),
                std::make_shared<CheckpointCallback>(folder.file("c"), std::map<std::string, std::string>{})})
      .fit(4);
  const Checkpoint checkpoint = load_checkpoint(folder.file("c"));
  EXPECT_EQ(checkpoint.callbacks.at("averaged_weights").tensors.size(), 2u);
  Learner resumed = make_learner({averaged(), std::make_shared<ResumeCallback>(checkpoint)});
  resumed.fit(4);
  EXPECT_EQ(weight_of(resumed).to_vector<float>(), weight_of(whole).to_vector<float>());

  Checkpoint other = checkpoint;
  other.callbacks.at("averaged_weights").tensors.pop_back();
  EXPECT_THROW(make_learner({averaged(), std::make_shared<ResumeCallback>(other)}).fit(4), ConfigError);
  other.callbacks.at("averaged_weights").tensors = {{"1.weight", zeros({3})}, {"1.bias", zeros({2})}};
  EXPECT_THROW(make_learner({averaged(), std::make_shared<ResumeCallback>(other)}).fit(4), ShapeError);
}

TEST(AveragedWeights, AreWhatIsSaved) {
  const TemporaryFolder folder;
  const auto save = [&] {
    return std::make_shared<SaveCallback>(folder.file("w"), std::map<std::string, std::string>{});
  };
  const auto saved = [&] { return load_safetensors(folder.file("w")).at("1.weight").to_vector<float>().front(); };
  make_learner({std::make_shared<SetWeights>(), std::make_shared<AveragedWeights>(0.3), save()}).fit(1);
  EXPECT_NEAR(saved(), 3.5834091, 1e-6);
}

TEST(AveragedWeights, ADecayOutOfRangeIsRefused) {
  EXPECT_THROW(AveragedWeights(1), ConfigError);
  EXPECT_THROW(AveragedWeights(-0.1), ConfigError);
  EXPECT_THROW(AveragedWeights(std::nan("")), ConfigError);
}

}  // namespace
}  // namespace gw
