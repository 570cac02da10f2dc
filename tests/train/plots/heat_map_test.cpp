#include "train/plots/heat_map.h"

#include <gtest/gtest.h>

#include "autograd/index.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(HeatMap, BytesSpanTheWholeRange) {
  EXPECT_EQ(heat_bytes(tensor({-1, 0, 1, 3}).reshape({2, 2})).to_vector<int>(), (std::vector<int>{0, 64, 128, 255}));
  EXPECT_EQ(heat_bytes(full({2, 1}, 7)).to_vector<int>(), (std::vector<int>{0, 0}));
  EXPECT_THROW(heat_bytes(zeros({3})), ShapeError);
  EXPECT_THROW(heat_bytes(zeros({0, 3})), ShapeError);
}

TEST(HeatMap, IsBlueWhereLowAndRedWhereHigh) {
  const Tensor grey = full({1, 3, 4}, 100, {.dtype = DType::u8});
  const Tensor low_left = tensor({0, 1}).reshape({1, 2});
  const Tensor drawn = draw_heat_map(grey, low_left);
  ASSERT_EQ(drawn.shape(), (Shape{3, 3, 4}));
  const auto at = [&](int64_t c, int64_t x) { return drawn.select(0, c).select(0, 1).select(0, x).item(); };
  EXPECT_EQ(at(0, 0), 50);       // half of the grey
  EXPECT_GT(at(2, 0), 50 + 60);  // and of the blue
  EXPECT_GT(at(0, 3), 50 + 60);
  EXPECT_EQ(at(2, 3), 50);
  const Tensor colours = cat({full({1, 3, 4}, 0), full({1, 3, 4}, 100), full({1, 3, 4}, 200)}, 0).to(DType::u8);
  EXPECT_EQ(draw_heat_map(colours, low_left).to_vector<int>(), drawn.to_vector<int>());
  EXPECT_THROW(draw_heat_map(zeros({3, 4}, {.dtype = DType::u8}), low_left), ShapeError);
  EXPECT_THROW(draw_heat_map(zeros({3, 4, 4}), low_left), ShapeError);
}

}  // namespace
}  // namespace gw
