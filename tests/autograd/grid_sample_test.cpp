#include "autograd/grid_sample.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

/// Places inside and outside of the image, at least 0.08 from those where the slope jumps in images of 4 x 5 pixels.
Tensor places(const Shape& shape) {
  constexpr float kPlaces[] = {-1.1f, 0.12f, 0.62f, -0.63f, 1.1f, -0.15f, 0.9f};
  std::vector<float> values;
  for (int64_t i = 0; i < shape.numel(); ++i) values.push_back(kPlaces[i * 3 % 7]);
  return from_values<float>(values, shape).set_requires_grad();
}

TEST(GridSampleGradient, AgreesWithFiniteDifferences) {
  Generator generator(3);
  const Tensor x = randn({2, 3, 4, 5}, {.requires_grad = true}, generator);
  for (const SamplePadding padding : {SamplePadding::zeros, SamplePadding::border, SamplePadding::reflection})
    for (const bool align_corners : {false, true})
      EXPECT_EQ(gradcheck(
                    [&](const std::vector<Tensor>& in) {
                      return grid_sample(in[0], in[1], {.padding = padding, .align_corners = align_corners});
                    },
                    {x, places({2, 3, 2, 2})}),
                "");
  EXPECT_EQ(gradcheck([](const std::vector<Tensor>& in) { return affine_grid(in[0], 3, 4); },
                      {randn({2, 2, 3}, {.requires_grad = true}, generator)}),
            "");
}

TEST(GridSample, TheIdentityGivesTheImageBack) {
  Generator generator(3);
  const Tensor x = randn({2, 3, 4, 5}, {}, generator);
  const Tensor identity = from_values<float>({1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0}, {2, 2, 3});
  for (const bool align_corners : {false, true}) {
    const Tensor grid = affine_grid(identity, 4, 5, align_corners);
    expect_close(grid_sample(x, grid, {.align_corners = align_corners}), x, 1e-5, 1e-5);
    expect_close(grid_sample(x, grid, {.mode = SampleMode::nearest, .align_corners = align_corners}), x);
  }
}

TEST(GridSample, PlacesThatAreNoNumbersOrFarAwayAreOutside) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = ones({1, 1, 3, 3});
  const Tensor grid = from_values<float>({nan, 0, inf, 0, -inf, 0, 1e30f, -1e30f}, {1, 1, 4, 2});
  EXPECT_EQ(grid_sample(x, grid).to_vector<float>(), (std::vector<float>{0, 0, 0, 0}));
  const auto held = grid_sample(x, grid, {.padding = SamplePadding::border}).to_vector<float>();
  EXPECT_EQ(held, (std::vector<float>{1, 1, 1, 1}));
}

TEST(GridSample, ShapesThatDoNotFit) {
  EXPECT_THROW(grid_sample(zeros({2, 3, 4, 5}), zeros({1, 2, 2, 2})), ShapeError);
  EXPECT_THROW(grid_sample(zeros({2, 3, 4, 5}), zeros({2, 2, 2, 3})), ShapeError);
  EXPECT_THROW(grid_sample(zeros({2, 3, 0, 5}), zeros({2, 2, 2, 2})), ShapeError);
  EXPECT_THROW(affine_grid(zeros({2, 3, 3}), 4, 4), ShapeError);
  EXPECT_THROW(affine_grid(zeros({2, 2, 3}), 0, 4), ShapeError);
}

}  // namespace
}  // namespace gw
