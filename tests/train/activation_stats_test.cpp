#include "train/activation_stats.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/train/small_learner.h"

namespace gw {
namespace {

TEST(ActivationStats, AreThoseOfEveryTrainingStep) {
  const auto stats = std::make_shared<ActivationStats>(of_type({"Linear"}));
  std::vector<std::vector<float>> seen;
  class Look : public Callback {
   public:
    explicit Look(std::vector<std::vector<float>>* out) : out_(out) {}
    void after_predict(Learner& learner) override {
      if (learner.training) out_->push_back(learner.prediction.to_vector<float>());
    }
    std::vector<std::vector<float>>* out_;
  };
  Learner learner = make_learner({stats, std::make_shared<Look>(&seen)});
  learner.fit(2);
  const auto layers = stats->layers();
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "1: Linear");
  ASSERT_EQ(layers[0].means.size(), seen.size());
  ASSERT_EQ(seen.size(), 8u);
  for (size_t s = 0; s < seen.size(); ++s) {
    double sum = 0, squares = 0;
    int64_t close_to_zero = 0;
    for (float v : seen[s]) {
      sum += v;
      close_to_zero += std::fabs(v) < 0.25f;
    }
    const auto n = static_cast<double>(seen[s].size());
    for (float v : seen[s]) squares += (v - sum / n) * (v - sum / n);
    EXPECT_NEAR(layers[0].means[s], sum / n, 1e-6);
    EXPECT_NEAR(layers[0].stds[s], std::sqrt(squares / (n - 1)), 1e-6);
    EXPECT_EQ(layers[0].histograms[s].size(), 40u);
    EXPECT_EQ(layers[0].histograms[s][0], close_to_zero);
    EXPECT_DOUBLE_EQ(layers[0].dead[s], static_cast<double>(close_to_zero) / n);
  }
  for (Module* module : learner.model->modules()) EXPECT_FALSE(module->has_hooks()) << "hooks leave with the fit";
}

TEST(ActivationStats, DoNotChangeWhatIsLearnt) {
  Learner plain = make_learner();
  plain.fit(2);
  Learner watched = make_learner({std::make_shared<ActivationStats>(direct_children())});
  watched.fit(2);
  EXPECT_EQ(watched.model->state_dict().front().second.to_vector<float>(),
            plain.model->state_dict().front().second.to_vector<float>());
}

TEST(ActivationStats, AFilterWithoutModulesIsAnError) {
  EXPECT_THROW(make_learner({std::make_shared<ActivationStats>(of_type({"Transformer"}))}).fit(1), ConfigError);
}

}  // namespace
}  // namespace gw
