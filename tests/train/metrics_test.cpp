#include "train/metrics.h"

#include <gtest/gtest.h>

#include <limits>

#include "autograd/losses.h"
#include "tests/tensor_matchers.h"
#include "tests/train/small_learner.h"

namespace gw {
namespace {

TEST(Metrics, TopKCountsWhatIsInFront) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor logits = from_values<float>({5, 4, 3, 2, /**/ 1, 1, 1, 1, /**/ 1, 2, 3, 4, /**/ nan, 1, 2, 3}, {4, 4});
  const Tensor targets = from_values<int64_t>({1, 2, 0, 0}, {4}, {.dtype = DType::i64});
  EXPECT_EQ(top_k_accuracy(logits, targets, 1).item(), 0);
  EXPECT_EQ(top_k_accuracy(logits, targets, 2).item(), 0.25);
  EXPECT_EQ(top_k_accuracy(logits, targets, 3).item(), 0.5);
  EXPECT_EQ(top_k_accuracy(logits, targets, 4).item(), 0.75);
  EXPECT_THROW(top_k_accuracy(logits, targets, 0), ConfigError);
  EXPECT_EQ(message_of<ShapeError>([&] { top_k_accuracy(logits, logits, 1); }),
            "top_k_accuracy: expected logits [N, C] and targets [N], got [4, 4] and [4, 4]");
}

TEST(Metrics, MeansAreOverItemsNotBatches) {
  const auto metric = log_loss_metric();
  metric->reset();
  EXPECT_EQ(metric->value(), 0);
  manual_seed(1);
  const Tensor logits = randn({5, 3}), targets = randint(0, 3, {5});
  metric->update(logits.slice(0, 0, 4), targets.slice(0, 0, 4));
  metric->update(logits.slice(0, 4, 5), targets.slice(0, 4, 5));
  EXPECT_NEAR(metric->value(), cross_entropy(logits, targets).item(), 1e-6);
}

TEST(Metrics, OfALearner) {
  const auto names_of = std::vector<std::shared_ptr<Metric>>{top_k_accuracy_metric(2), log_loss_metric()};
  Learner learner = make_learner({std::make_shared<MetricsCallback>(names_of)});
  learner.fit(2);
  ASSERT_EQ(learner.report.metrics.size(), 2u);
  EXPECT_EQ(learner.report.metrics[0].first, "top_2_accuracy");
  EXPECT_EQ(learner.report.metrics[0].second, 1);
  EXPECT_EQ(learner.report.metrics[1].first, "log_loss");
  EXPECT_NEAR(learner.report.metrics[1].second, learner.report.loss, 1e-6);
}

}  // namespace
}  // namespace gw
