#include "train/lr_finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/train/small_learner.h"
#include "train/smooth.h"

namespace gw {
namespace {

/// Gives every step a loss of its own, whatever the model says.
class ScriptedLoss : public Callback {
 public:
  explicit ScriptedLoss(std::vector<double> losses) : losses_(std::move(losses)) {}
  void after_loss(Learner& learner) override {
    const auto i = std::min(static_cast<size_t>(learner.step), losses_.size() - 1);
    learner.loss = learner.loss * 0 + losses_[i];
  }

 private:
  std::vector<double> losses_;
};

LRFinderResult find_with(std::vector<double> losses, const LRFinderOptions& options) {
  const auto finder = std::make_shared<LRFinder>(options);
  make_learner({std::make_shared<ScriptedLoss>(std::move(losses)), finder}).fit(100, {.valid = false});
  return finder->result();
}

TEST(LRFinder, EndsWhenTheLossIsThreeTimesTheSmallest) {
  const LRFinderResult r = find_with({2, 1.5, 1, 1.2, 2.9, 3.1, 0.1, 0.1}, {.start_lr = 0.001, .gamma = 2});
  ASSERT_EQ(r.losses.size(), 6u) << "what came after the end is forgotten";
  EXPECT_FLOAT_EQ(static_cast<float>(r.losses.back()), 3.1f);
  for (size_t i = 0; i < 6; ++i) EXPECT_DOUBLE_EQ(r.lrs[i], 0.001 * std::pow(2.0, static_cast<double>(i)));
}

TEST(LRFinder, EndsAtNaNAndAtTheLargestRate) {
  const LRFinderResult nan = find_with({2, 1, std::nan(""), 1}, {.gamma = 2});
  EXPECT_EQ(nan.losses.size(), 2u);
  const LRFinderResult flat = find_with({1}, {.start_lr = 1, .gamma = 2, .end_lr = 100});
  EXPECT_EQ(flat.lrs.size(), 7u);
  EXPECT_DOUBLE_EQ(flat.lrs.back(), 64);
  EXPECT_THROW(find_with({std::nan("")}, {}), Error);
}

TEST(LRFinder, SuggestsATenthOfTheRateOfTheLowestLoss) {
  std::vector<double> losses;
  for (int i = 0; i < 40; ++i) losses.push_back(1 + 0.01 * (i - 25) * (i - 25));
  const LRFinderResult r = find_with(losses, {.start_lr = 1e-5, .gamma = 1.3});
  EXPECT_DOUBLE_EQ(r.suggested_lr, r.lrs[25] / 10);
}

TEST(LRFinder, LeavesTheModelAndTheGeneratorAsTheyWere) {
  Learner learner = make_learner();
  const auto weights = learner.model->state_dict().front().second.to_vector<float>();
  const PhiloxState generator = default_generator().state();
  const LRFinderResult r = find_lr(learner, {.start_lr = 1e-3, .gamma = 1.5});
  EXPECT_GT(r.lrs.size(), 10u);
  EXPECT_GT(r.suggested_lr, 1e-3 / 10);
  EXPECT_EQ(learner.model->state_dict().front().second.to_vector<float>(), weights);
  EXPECT_EQ(default_generator().state().offset, generator.offset);
  EXPECT_THROW(find_lr(learner, {.gamma = 1}), ConfigError);
  EXPECT_THROW(find_lr(learner, {.start_lr = 0}), ConfigError);
}

TEST(Smooth, KeepsStraightLinesAndTakesOutNoise) {
  const std::vector<double> line = {0, 1, 2, 3, 4, 5, 6};
  EXPECT_EQ(smooth(line, 2), line);
  EXPECT_DOUBLE_EQ(smooth({0, 0, 9, 0, 0}, 1)[1], 9.0 / 4);
  EXPECT_TRUE(smooth({}, 3).empty());
}

}  // namespace
}  // namespace gw
