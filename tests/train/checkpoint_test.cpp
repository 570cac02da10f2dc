#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include "tests/data/temporary_folder.h"
#include "tests/train/small_learner.h"
#include "train/best_epoch.h"
#include "train/metrics.h"

namespace gw {
namespace {

/// Ends the fit after so many epochs.
class StopAfter : public Callback {
 public:
  explicit StopAfter(int64_t epochs) : epochs_(epochs) {}
  int order() const override { return 200; }
  void after_epoch(Learner& learner) override {
    if (!learner.training && learner.epoch + 1 == epochs_) throw CancelFit{};
  }

 private:
  int64_t epochs_;
};

CallbackPtr accuracy() {
  return std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
}

std::vector<float> weights_of(const Learner& learner) {
  return learner.model->state_dict().front().second.to_vector<float>();
}

TEST(Checkpoint, GoesOnBitForBit) {
  const TemporaryFolder folder;
  Learner whole = make_learner();
  whole.fit(5);

  const auto best = std::make_shared<BestEpoch>();
  make_learner({accuracy(), best,
                std::make_shared<CheckpointCallback>(folder.file("c"), std::map<std::string, std::string>{{"a", "b"}}),
                std::make_shared<StopAfter>(2)})
      .fit(5);
  Checkpoint checkpoint = load_checkpoint(folder.file("c"));
  EXPECT_EQ(checkpoint.epochs_done, 2);
  EXPECT_EQ(checkpoint.steps_done, 8);
  EXPECT_EQ(checkpoint.options.at("a"), "b");
  EXPECT_EQ(checkpoint.callbacks.at("best").numbers.at("value"), best->value());

  const auto best_again = std::make_shared<BestEpoch>();
  Learner second = make_learner({accuracy(), best_again, std::make_shared<ResumeCallback>(checkpoint)});
  manual_seed(99);
  second.fit(5);
  EXPECT_EQ(second.step, 20);
  EXPECT_EQ(weights_of(second), weights_of(whole));
  EXPECT_GE(best_again->value(), best->value());
}

TEST(Checkpoint, KeepsAGeneratorOfTheLoadersOwn) {
  const TemporaryFolder folder;
  Generator generator(11);
  Learner learner =
      make_learner({std::make_shared<CheckpointCallback>(folder.file("c"), std::map<std::string, std::string>{})});
  learner.train_loader = Loader(two_classes(50), {.batch_size = 16, .shuffle = true, .generator = &generator});
  learner.fit(1);
  const Checkpoint checkpoint = load_checkpoint(folder.file("c"));
  EXPECT_EQ(checkpoint.generators.at("loader").seed, 11u);
  EXPECT_EQ(checkpoint.generators.at("loader").offset, generator.state().offset);
}

TEST(Checkpoint, OfAnotherModelOrOptimizerIsRefused) {
  Learner learner = make_learner();
  learner.fit(1);
  const Checkpoint checkpoint = take_checkpoint(learner);
  Learner other = make_learner({std::make_shared<ResumeCallback>(checkpoint)});
  other.model = std::make_shared<Sequential>(std::make_shared<Flatten>(), std::make_shared<Linear>(4, 3));
  EXPECT_THROW(other.fit(2), ShapeError);
  Learner momentum = make_learner({std::make_shared<ResumeCallback>(checkpoint)});
  momentum.optimizer_function = [](std::vector<Tensor> params, double rate) {
    return sgd(std::move(params), {.lr = rate, .momentum = 0.9});
  };
  EXPECT_THROW(momentum.fit(2), ConfigError);
  Learner watched =
      make_learner({accuracy(), std::make_shared<BestEpoch>(), std::make_shared<ResumeCallback>(checkpoint)});
  EXPECT_THROW(watched.fit(2), ConfigError);
}

TEST(Checkpoint, DamagedFilesAreNamed) {
  const TemporaryFolder folder;
  Learner learner = make_learner();
  learner.fit(1);
  const Checkpoint good = take_checkpoint(learner);
  for (const char* json : {"", "{}", "{\"version\":7}", "[1]", "{\"version\":\"one\"}"}) {
    save_safetensors(folder.file("bad"), good.weights, {{"groundwork-checkpoint", json}});
    try {
      load_checkpoint(folder.file("bad"));
      ADD_FAILURE() << json;
    } catch (const IoError& e) {
      EXPECT_NE(std::string(e.what()).find("bad is damaged"), std::string::npos) << e.what();
    }
  }
  EXPECT_THROW(CheckpointCallback(folder.file("no/such/c"), {}), IoError);
}

TEST(BestEpoch, WantsItsMetric) {
  EXPECT_THROW(make_learner({accuracy(), std::make_shared<BestEpoch>("beauty")}).fit(1), ConfigError);
}

}  // namespace
}  // namespace gw
