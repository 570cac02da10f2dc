#include "optim/clip.h"

#include <gtest/gtest.h>

#include <limits>

#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

Tensor with_gradient(const std::vector<float>& gradient) {
  Tensor p = zeros({static_cast<int64_t>(gradient.size())}, {.requires_grad = true});
  p.set_grad(tensor(gradient));
  return p;
}

TEST(ClipGradNorm, ScalesAllGradientsToTheNorm) {
  const std::vector<Tensor> params{with_gradient({3, 0}), with_gradient({0, 4, 0}), zeros({2})};
  EXPECT_FLOAT_EQ(static_cast<float>(clip_grad_norm_(params, 2.5).item()), 5);
  expect_close(params[0].grad(), {1.5, 0});
  expect_close(params[1].grad(), {0, 2, 0});
  EXPECT_FALSE(params[2].grad().defined());
}

TEST(ClipGradNorm, SmallGradientsStay) {
  const std::vector<Tensor> params{with_gradient({0.3f, 0.4f})};
  EXPECT_NEAR(clip_grad_norm_(params, 1).item(), 0.5, 1e-6);
  expect_close(params[0].grad(), {0.3, 0.4}, 1e-7, 0);
  EXPECT_EQ(clip_grad_norm_({}, 1).item(), 0);
}

TEST(ClipGradNorm, ImpossibleNormsAreRefused) {
  EXPECT_THROW(clip_grad_norm_({}, 0), ConfigError);
  EXPECT_THROW(clip_grad_norm_({}, -1), ConfigError);
  EXPECT_THROW(clip_grad_norm_({}, std::numeric_limits<double>::quiet_NaN()), ConfigError);
}

}  // namespace
}  // namespace gw
