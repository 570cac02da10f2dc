#include "train/schedulers.h"

#include <gtest/gtest.h>

#include "tests/tensor_matchers.h"
#include "tests/train/small_learner.h"
#include "train/early_stopping.h"

namespace gw {
namespace {

/// Writes down a hyper-parameter of every group and step.
class Hyper : public Callback {
 public:
  explicit Hyper(std::string name) : name_(std::move(name)) {}
  int order() const override { return 10; }
  void after_step(Learner& learner) override {
    for (size_t g = 0; g < learner.optimizer->groups().size(); ++g)
      values.push_back(learner.optimizer->hyper(name_, g));
  }
  std::vector<double> values;

 private:
  std::string name_;
};

TEST(ParamScheduler, FollowsACombinationOverTheWholeFit) {
  const auto values = std::make_shared<Hyper>("lr");
  const auto schedule = combine_scheds({0.5, 0.5}, {sched_lin(0, 1), sched_no(2)});
  make_learner({std::make_shared<ParamScheduler>("lr", schedule), values}).fit(2);  // 4 batches an epoch
  EXPECT_EQ(values->values, (std::vector<double>{0, 0.25, 0.5, 0.75, 2, 2, 2, 2}));
}

TEST(ParamScheduler, HasAnAnnealingForEachGroup) {
  const auto values = std::make_shared<Hyper>("momentum");
  const std::vector<Annealing> both = {sched_lin(0, 1), sched_lin(1, 0)};
  Learner learner = make_learner({std::make_shared<ParamScheduler>("momentum", both), values});
  learner.optimizer_function = [](std::vector<Tensor> params, double lr) {
    std::vector<ParamGroup> groups(2);
    groups[0].params = {params[0]};
    groups[1].params = {params[1]};
    return sgd(groups, {.lr = lr, .momentum = 0.5});
  };
  learner.fit(1);
  EXPECT_EQ(values->values, (std::vector<double>{0, 1, 0.25, 0.75, 0.5, 0.5, 0.75, 0.25}));

  Learner one_group = make_learner({std::make_shared<ParamScheduler>("lr", both)});
  EXPECT_EQ(message_of<ConfigError>([&] { one_group.fit(1); }),
            "ParamScheduler: expected an annealing of 'lr' for each of 1 groups, got 2");
}

TEST(BatchScheduler, GivesEachGroupItsShareOfTheRate) {
  const auto values = std::make_shared<Hyper>("lr");
  const Schedule schedule = [](int64_t step) { return Hypers{{"lr", static_cast<double>(step)}}; };
  const std::vector<double> shares = {0.5, 1};
  Learner learner = make_learner({std::make_shared<BatchScheduler>(schedule, shares), values});
  learner.optimizer_function = [](std::vector<Tensor> params, double lr) {
    return sgd(std::vector<ParamGroup>{{{params[0]}, {}}, {{params[1]}, {}}}, {.lr = lr});
  };
  learner.fit(1);
  EXPECT_EQ(values->values, (std::vector<double>{0, 0, 0.5, 1, 1, 2, 1.5, 3}));

  Learner one_group = make_learner({std::make_shared<BatchScheduler>(schedule, shares)});
  EXPECT_EQ(message_of<ConfigError>([&] { one_group.fit(1); }),
            "BatchScheduler: expected a share of the learning rate for each of 1 groups, got 2");
}

/// Puts given losses in the place of the validation's.
class Losses : public Callback {
 public:
  explicit Losses(std::vector<double> losses) : losses_(std::move(losses)) {}
  void after_epoch(Learner& learner) override {
    if (!learner.training) learner.report.loss = losses_[static_cast<size_t>(epochs++)];
  }
  int epochs = 0;

 private:
  std::vector<double> losses_;
};

TEST(EarlyStopping, EndsWhenNothingImproves) {
  const auto epochs_of = [](std::vector<double> losses, EarlyStoppingOptions o) {
    const auto script = std::make_shared<Losses>(losses);
    make_learner({script, std::make_shared<EarlyStopping>(o)}).fit(static_cast<int64_t>(losses.size()));
    return script->epochs;
  };
  EXPECT_EQ(epochs_of({5, 4, 3, 2}, {.patience = 1}), 4);
  EXPECT_EQ(epochs_of({5, 4, 4, 2}, {.patience = 1}), 3);
  EXPECT_EQ(epochs_of({5, 6, 4, 5, 5, 1}, {.patience = 2}), 5);
  EXPECT_EQ(epochs_of({5, 4.9, 4.8, 1}, {.patience = 2, .min_delta = 0.5}), 3);
  EXPECT_THROW(EarlyStopping({.patience = 0}), ConfigError);
}

TEST(EarlyStopping, RemembersAcrossAResumedRun) {
  const auto stopping = std::make_shared<EarlyStopping>(EarlyStoppingOptions{.patience = 2});
  Learner learner = make_learner({std::make_shared<Losses>(std::vector<double>{5, 6}), stopping});
  learner.fit(2);
  EarlyStopping resumed({.patience = 2});
  resumed.load_state(stopping->state());
  learner.training = false;
  learner.report.loss = 5.5;
  EXPECT_THROW(resumed.after_epoch(learner), CancelFit);
}

}  // namespace
}  // namespace gw
