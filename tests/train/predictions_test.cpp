#include "train/predictions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "nn/dropout.h"
#include "tests/tensor_matchers.h"
#include "tests/train/small_learner.h"

namespace gw {
namespace {

TEST(Views, ShiftAndMirror) {
  const Tensor x = from_values<float>({1, 2, 3, 4, 5, 6}, {1, 1, 2, 3});
  EXPECT_EQ(see({}, x).to_vector<float>(), x.to_vector<float>());
  EXPECT_EQ(see({1, 0}, x).to_vector<float>(), (std::vector<float>{0, 0, 0, 1, 2, 3}));
  EXPECT_EQ(see({0, -1}, x).to_vector<float>(), (std::vector<float>{2, 3, 0, 5, 6, 0}));
  EXPECT_EQ(see({-1, 1, true}, x).to_vector<float>(), (std::vector<float>{5, 4, 0, 0, 0, 0}));
}

TEST(Views, AreAllDifferent) {
  for (int64_t count : {1, 2, 10, 18}) {
    const auto views = test_time_views(count);
    EXPECT_EQ(static_cast<int64_t>(views.size()), count);
    const Tensor x = from_values<float>({1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 1, 3, 3});
    std::vector<std::vector<float>> seen;
    for (const View& v : views) seen.push_back(see(v, x).to_vector<float>());
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end()) << count;
  }
  EXPECT_THROW(test_time_views(3), ConfigError);
}

TEST(Views, ThePredictionIsTheirMean) {
  Learner learner = make_learner();
  learner.fit(2);
  const auto plain = predict_validation(learner).first;
  const auto mirrored = predict_views(learner, {{0, 0, true}}).first;
  expect_close(predict_with_flips(learner).first, (plain + mirrored) * 0.5);
  EXPECT_THROW(predict_views(learner, {}), ConfigError);
}

Learner dropping(double p) {
  Learner learner = make_learner();
  learner.model = std::make_shared<Sequential>(Flatten(), Dropout(p), Linear(4, 2));
  return learner;
}

TEST(DropoutAtTestTime, SpreadsAndAverages) {
  Learner learner = dropping(0.5);
  learner.fit(2);
  const DropoutPrediction p = predict_with_dropout(learner, 200);
  EXPECT_EQ(p.probabilities.shape(), (Shape{20, 2}));
  for (float sum : p.probabilities.sum({1}).to_vector<float>()) EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_GT(p.spread.mean().item(), 0.01);
  EXPECT_FALSE(learner.model->modules()[2]->is_training()) << "dropout is off again";
  // Without anything dropped there is nothing to spread.
  Learner sure = dropping(0);
  EXPECT_NEAR(predict_with_dropout(sure, 3).spread.amax().item(), 0, 1e-6);
}

TEST(DropoutAtTestTime, NeedsDropoutAndSamples) {
  Learner none = make_learner();
  EXPECT_THROW(predict_with_dropout(none, 3), ConfigError);
  Learner learner = dropping(0.5);
  EXPECT_THROW(predict_with_dropout(learner, 1), ConfigError);
}

}  // namespace
}  // namespace gw
