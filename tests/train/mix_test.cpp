#include "train/mix.h"

#include <gtest/gtest.h>

#include "tests/tensor_matchers.h"
#include "tests/train/command_line.h"
#include "tests/train/small_learner.h"
#include "train/metrics.h"
#include "train/recorder.h"

namespace gw {
namespace {

/// Looks at the batches that the model sees, and at what metrics see afterwards.
struct Look : Callback {
  void before_batch(Learner& l) override {
    if (l.training) {
      mixed = l.batch.y;
      images = l.batch.x;
      EXPECT_EQ(mixed.shape(), Shape({l.batch.x.size(0), 2}));
      expect_close(mixed.sum({1}), std::vector<double>(static_cast<size_t>(mixed.size(0)), 1), 1e-6, 1e-6);
    } else {
      EXPECT_EQ(l.batch.y.dtype(), DType::i64);
    }
  }
  void after_batch(Learner& l) override {
    EXPECT_EQ(l.batch.y.shape(), Shape({l.batch.x.size(0)}));
    EXPECT_EQ(l.batch.y.dtype(), DType::i64);
  }
  Tensor mixed, images;
};

TEST(Mix, IsForTrainingAndMetricsSeeTheLabels) {
  const auto look = std::make_shared<Look>();
  const auto metrics =
      std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
  Learner learner = make_learner({std::make_shared<Mix>(MixOptions{.mixup = 1.0}), look, metrics}, 0.5);
  learner.fit(8);
  EXPECT_EQ(learner.report.metrics.at(0).second, 1);  // it learns nevertheless
  const std::vector<float> shares = look->mixed.to_vector<float>();
  EXPECT_TRUE(std::any_of(shares.begin(), shares.end(), [](float s) { return s > 0.02f && s < 0.98f; }));
}

TEST(Mix, TheSeedRepeatsARun) {
  const auto losses = [](const MixOptions& o) {
    const auto recorder = std::make_shared<Recorder>();
    Learner learner = make_learner({std::make_shared<Mix>(o), recorder});
    learner.fit(2);
    return recorder->losses();
  };
  const MixOptions both{.mixup = 0.4, .cutmix = 1.0};
  EXPECT_EQ(losses(both), losses(both));
  EXPECT_NE(losses(both), losses({}));
}

TEST(Mix, ASingleImageMeetsItself) {
  const auto look = std::make_shared<Look>();
  Learner learner = make_learner({std::make_shared<Mix>(MixOptions{.mixup = 1.0, .cutmix = 1.0}), look});
  learner.train_loader = Loader(two_classes(5), {.batch_size = 1});
  learner.fit(1);
  EXPECT_EQ(look->mixed.max().item(), 1);  // its own label and nothing else
}

TEST(Mix, NeedsTheClasses) {
  EXPECT_THROW(Mix(MixOptions{.mixup = 0.0}), ConfigError);
  Learner learner = make_learner({std::make_shared<Mix>(MixOptions{.mixup = 1.0})});
  ImageDataset nameless = two_classes(4);
  nameless.classes.clear();
  learner.train_loader = Loader(nameless, {.batch_size = 2});
  EXPECT_EQ(message_of<ConfigError>([&] { learner.fit(1); }), "mix: expected a data set that names its classes");
}

class MixCommand : public CommandLine {};

TEST_F(MixCommand, BelongsToTheRunThatIsResumed) {
  ASSERT_EQ(run(train("--mixup 0.4 --checkpoint " + file("c") + " --save " + file("mixed"))).code, 0);
  expect_one_line("train --resume " + file("c") + " --mixup 0.3 --data " + folder_.path(), 1, "--mixup 0.4, not 0.3");
  ASSERT_EQ(run(train("--save " + file("plain"))).code, 0);
  EXPECT_NE(read(file("plain")), read(file("mixed")));
}

TEST_F(MixCommand, ImagesByOnesAndBadAlphas) {
  const Outcome one =
      run("train --model resnet18 --limit 2 --batch 1 --norm group --mixup 1 --cutmix 0.5 --epochs 1 "
          "--data " +
          folder_.path());
  EXPECT_EQ(one.code, 0) << one.output;
  for (const char* alpha : {"0", "-1", "nan", "inf", "x"}) {
    expect_one_line(train(std::string("--mixup ") + alpha), 2, "--mixup");
    expect_one_line(train(std::string("--cutmix ") + alpha), 2, "--cutmix");
  }
}

TEST_F(MixCommand, ShowsMixedBatches) {
  const Outcome o =
      run("show-batch --mixup 1 --cutmix 1 --data " + folder_.path() + " --batch 16 --plots " + file("p"));
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_GT(read(file("p/batch.png")).size(), 1000u);
}

}  // namespace
}  // namespace gw
