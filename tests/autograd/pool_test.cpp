#include "autograd/pool.h"

#include <gtest/gtest.h>

#include <functional>

#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

/// Distinct values, further apart than the finite differences' step.
Tensor leaf(const Shape& shape) {
  Generator generator(8);
  return (randperm(shape.numel(), generator).to(DType::f32) * 0.05).reshape(shape).set_requires_grad();
}

TEST(PoolGradient, AgreesWithFiniteDifferences) {
  const std::vector<std::function<Tensor(const Tensor&)>> pools{
      [](const Tensor& x) { return avg_pool2d(x, {.kernel = 2, .ceil_mode = true}); },
      [](const Tensor& x) {
        return avg_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false});
      },
      [](const Tensor& x) { return max_pool2d(x, {.kernel = 2, .ceil_mode = true}); },
      [](const Tensor& x) { return max_pool2d(x, {.kernel = 3, .stride = 1, .padding = 1}); },
      [](const Tensor& x) {
        return adaptive_avg_pool2d(x, {2, 3});
      },
      [](const Tensor& x) {
        return adaptive_max_pool2d(x, {2, 3});
      },
  };
  for (const auto& pool : pools) {
    const auto f = [&](const std::vector<Tensor>& in) { return pool(in[0]); };
    const auto channels_last = [&](const std::vector<Tensor>& in) {
      return pool(in[0].contiguous(MemoryFormat::channels_last));
    };
    EXPECT_EQ(gradcheck(f, {leaf({2, 3, 5, 4})}), "");
    EXPECT_EQ(gradcheck(channels_last, {leaf({2, 3, 5, 4})}), "");
    EXPECT_EQ(gradcheck(f, {leaf({3, 5, 4})}), "");
  }
}

TEST(ForkedPool, GradientsOfBothWaysMeet) {
  const AvgPoolOptions o{.kernel = 2, .ceil_mode = true};
  const Tensor x = leaf({2, 3, 5, 4});
  const auto [same, pooled] = fork_avg_pool2d(x, o);
  expect_close(same, x, 0, 0);
  expect_close(pooled, avg_pool2d(x, o), 0, 0);
  const auto both = [&](const std::vector<Tensor>& in) {
    const ForkedPool fork = fork_avg_pool2d(in[0], o);
    return (fork.x * fork.x).sum() + fork.pooled.exp().sum();
  };
  EXPECT_EQ(gradcheck(both, {leaf({2, 3, 5, 4})}), "");
  EXPECT_EQ(gradcheck([&](const std::vector<Tensor>& in) { return fork_avg_pool2d(in[0], o).x * 2; }, {x}), "");
  EXPECT_EQ(gradcheck([&](const std::vector<Tensor>& in) { return fork_avg_pool2d(in[0], o).pooled; }, {x}), "");
}

TEST(GlobalAvgPool, IsTheMeanOverHeightAndWidth) {
  const Tensor x = leaf({2, 3, 4, 5});
  const Tensor y = global_avg_pool(x);
  EXPECT_EQ(y.shape().to_string(), "[2, 3]");
  expect_close(y, x.mean({2, 3}));
  EXPECT_EQ(gradcheck([](const std::vector<Tensor>& in) { return global_avg_pool(in[0]); }, {x}), "");
  EXPECT_EQ(message_of<ShapeError>([] {
              global_avg_pool(zeros({2, 3}));
            }),
            "global_avg_pool: expected [N, C, H, W], got [2, 3]");
}

}  // namespace
}  // namespace gw
