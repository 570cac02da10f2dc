#include "train/label_smoothing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "tests/train/small_learner.h"

namespace gw {
namespace {

/// Compares every loss with that of smoothed and plain targets.
class CheckLoss : public Callback {
 public:
  void after_loss(Learner& l) override {
    const NoGrad no_grad;
    const double share = l.training ? 0.2 : 0;
    // (1 - share) of the loss at the target, and the share's part at every one of the two classes.
    const Tensor log_p = l.prediction.detach().log_softmax(1);
    const double target = nll_loss(log_p, l.batch.y).item(), uniform = -log_p.mean().item();
    EXPECT_NEAR(l.loss.item(), (1 - share) * target + share * uniform, 1e-5);
    ++(l.training ? trained : validated);
  }
  int trained = 0, validated = 0;
};

TEST(LabelSmoothing, IsForTrainingOnly) {
  const auto check = std::make_shared<CheckLoss>();
  Learner learner = make_learner({std::make_shared<LabelSmoothing>(0.2), check});
  learner.fit(2);
  EXPECT_EQ(check->trained, 8);
  EXPECT_EQ(check->validated, 4);
  // Afterwards the loss is the learner's own again.
  const Tensor logits = from_values(std::vector<float>{1, 3}, {1, 2});
  const Tensor target = zeros({1}, {.dtype = DType::i64});
  EXPECT_NEAR(learner.loss_function(logits, target).item(), 2 + std::log1p(std::exp(-2.0)), 1e-6);
}

}  // namespace
}  // namespace gw
