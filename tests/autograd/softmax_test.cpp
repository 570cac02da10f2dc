#include "autograd/softmax.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using Inputs = std::vector<Tensor>;

TEST(SoftmaxGradient, AgreesWithDifferences) {
  Generator generator(1);
  for (int64_t dim = 0; dim < 3; ++dim) {
    const Inputs x = {randn({2, 5, 3}, {.requires_grad = true}, generator)};
    EXPECT_EQ(gradcheck([=](const Inputs& in) { return softmax(in[0], dim); }, x), "");
    EXPECT_EQ(gradcheck([=](const Inputs& in) { return in[0].log_softmax(dim); }, x), "");
    EXPECT_EQ(gradcheck([=](const Inputs& in) { return logsumexp(in[0], {dim}); }, x), "");
  }
}

TEST(SoftmaxGradient, OfLogsumexpOverSeveralDimensions) {
  Generator generator(2);
  const Inputs x = {randn({2, 3, 4}, {.requires_grad = true}, generator)};
  EXPECT_EQ(gradcheck([](const Inputs& in) { return logsumexp(in[0], {0, -1}, true); }, x), "");
  EXPECT_EQ(gradcheck([](const Inputs& in) { return logsumexp(in[0], {}); }, x), "");
  EXPECT_EQ(logsumexp(x[0], {0, 2}).shape(), (Shape{3}));
  EXPECT_EQ(logsumexp(x[0], {0, 2}, true).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(logsumexp(x[0], {}).shape(), Shape{});
}

TEST(SoftmaxGradient, TakesAStridedGradient) {
  Generator generator(3);
  const Inputs x = {randn({2, 3, 4, 5}, {.requires_grad = true}, generator)};
  EXPECT_EQ(gradcheck([](const Inputs& in) { return in[0].softmax(1).transpose(1, 3); }, x), "");
  EXPECT_EQ(gradcheck([](const Inputs& in) { return in[0].transpose(0, 2).log_softmax(1); }, x), "");
  EXPECT_EQ(gradcheck([](const Inputs& in) { return logsumexp(in[0].slice(1, 0, 3, 2), {1}); }, x), "");
}

TEST(SoftmaxGradient, IsZeroWhereAllIsMinusInfinity) {
  const Tensor x = full({1, 2}, -INFINITY).set_requires_grad();
  logsumexp(x, {1}).backward(ones({1}));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace gw
