#include "train/recorder.h"

#include <gtest/gtest.h>

#include "tests/train/small_learner.h"
#include "train/metrics.h"
#include "train/schedulers.h"

namespace gw {
namespace {

CallbackPtr accuracy() {
  return std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
}

TEST(Recorder, KeepsLossesRatesMomentumAndEpochs) {
  const auto recorder = std::make_shared<Recorder>();
  const auto scheduler = std::make_shared<BatchScheduler>(OneCycle{.max_lr = 0.1, .total_steps = 8});
  Learner learner = make_learner({accuracy(), scheduler, recorder});
  learner.optimizer_function = [](std::vector<Tensor> p, double lr) { return adamw(std::move(p), {.lr = lr}); };
  learner.fit(2);
  EXPECT_EQ(recorder->losses().size(), 8u);
  EXPECT_DOUBLE_EQ(recorder->hyper("momentum").front(), 0.95);  // Adam's beta1
  EXPECT_EQ(recorder->hyper("momentum").size(), 8u);
  ASSERT_EQ(recorder->epochs().size(), 4u);
  const EpochRecord& last = recorder->epochs().back();
  EXPECT_FALSE(last.training);
  EXPECT_EQ(last.epoch, 1);
  EXPECT_EQ(last.step, 8);
  EXPECT_EQ(last.loss, learner.report.loss);
  EXPECT_EQ(last.metrics.at("accuracy"), learner.report.metrics.at(0).second);
  learner.fit(1);
  EXPECT_EQ(recorder->losses().size(), 4u) << "a new fit begins anew";
}

TEST(Recorder, LeavesOutAMomentumThatIsNotThere) {
  const auto recorder = std::make_shared<Recorder>();
  make_learner({recorder}).fit(1);
  EXPECT_FALSE(recorder->has_hyper("momentum"));
  EXPECT_THROW(recorder->hyper("momentum"), ConfigError);
}

TEST(Recorder, StateGoesOnWhereItWas) {
  const auto recorder = std::make_shared<Recorder>();
  make_learner({accuracy(), recorder}).fit(2);
  Recorder other;
  other.load_state(recorder->state());
  EXPECT_EQ(other.losses(), recorder->losses());
  EXPECT_EQ(other.hyper("lr").size(), 8u);
  ASSERT_EQ(other.epochs().size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(other.epochs()[i].epoch, recorder->epochs()[i].epoch);
    EXPECT_EQ(other.epochs()[i].step, recorder->epochs()[i].step);
    EXPECT_EQ(other.epochs()[i].training, recorder->epochs()[i].training);
    EXPECT_EQ(other.epochs()[i].loss, recorder->epochs()[i].loss);
    EXPECT_EQ(other.epochs()[i].metrics, recorder->epochs()[i].metrics);
  }
}

}  // namespace
}  // namespace gw
