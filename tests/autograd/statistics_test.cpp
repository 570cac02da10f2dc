#include "autograd/statistics.h"

#include <gtest/gtest.h>

#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(Statistics, OfAFewNumbers) {
  // The lesson's: 1, 2, 4, 18.
  const Tensor x = tensor({1, 2, 4, 18});
  EXPECT_NEAR(mean_absolute_deviation(x).item(), 5.875, 1e-6);
  EXPECT_NEAR(covariance(x, x).item(), 47.1875, 1e-4);
  EXPECT_NEAR(correlation(x, x * -2 + 1).item(), -1, 1e-6);
  EXPECT_NEAR(correlation(x, tensor({1, -1, -1, 1})).item(), 3.25 / std::sqrt(47.1875), 1e-6);
  EXPECT_EQ(message_of<ShapeError>([&] {
              correlation(x, tensor({1, 2}));
            }),
            "covariance: expected two tensors of one shape, got [4] and [2]");
}

TEST(Statistics, Gradients) {
  Generator g(1);
  const Tensor x = randn({3, 4}, {}, g).set_requires_grad(), y = randn({3, 4}, {}, g).set_requires_grad();
  EXPECT_EQ(gradcheck([](const std::vector<Tensor>& t) { return correlation(t[0], t[1]); }, {x, y}), "");
}

}  // namespace
}  // namespace gw
