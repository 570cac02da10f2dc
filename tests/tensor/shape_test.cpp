#include "tensor/shape.h"

#include <gtest/gtest.h>

namespace gw {
namespace {

TEST(Shape, HoldsUpToEightDimensions) {
  Shape s{2, 3};
  EXPECT_EQ(s.size(), 2);
  EXPECT_EQ(s.numel(), 6);
  EXPECT_EQ(s.to_string(), "[2, 3]");
  EXPECT_EQ(Shape{}.numel(), 1);
  EXPECT_EQ((Shape{4, 0, 2}).numel(), 0);
  for (int i = 2; i < 8; ++i) s.push_back(1);
  EXPECT_THROW(s.push_back(1), ShapeError);
}

TEST(Shape, InsertsAndErases) {
  Shape s{2, 3, 4};
  s.insert(1, 7);
  EXPECT_EQ(s, (Shape{2, 7, 3, 4}));
  s.erase(0);
  EXPECT_EQ(s, (Shape{7, 3, 4}));
  EXPECT_FALSE(s == (Shape{7, 3}));
}

TEST(Shape, Strides) {
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Shape{12, 4, 1}));
  EXPECT_EQ(channels_last_strides({2, 3, 4, 5}), (Shape{60, 1, 15, 3}));
  EXPECT_THROW(channels_last_strides({2, 3}), ShapeError);
}

TEST(Shape, BroadcastsAsNumPy) {
  EXPECT_EQ(broadcast_shapes({3, 1}, {1, 4}, "add"), (Shape{3, 4}));
  EXPECT_EQ(broadcast_shapes({}, {2, 2}, "add"), (Shape{2, 2}));
  EXPECT_EQ(broadcast_shapes({0, 3}, {1, 3}, "add"), (Shape{0, 3}));
  EXPECT_EQ(broadcast_shapes({5, 1, 3}, {2, 1}, "add"), (Shape{5, 2, 3}));
  try {
    broadcast_shapes({2, 3}, {4, 3}, "mul");
    FAIL();
  } catch (const ShapeError& e) {
    EXPECT_STREQ(e.what(), "mul: shapes [2, 3] and [4, 3] cannot be broadcast together");
  }
}

TEST(Shape, NormalizesNegativeDimensions) {
  EXPECT_EQ(normalize_dim(-1, 3, "sum"), 2);
  EXPECT_EQ(normalize_dim(0, 0, "sum"), 0);
  EXPECT_THROW(normalize_dim(3, 3, "sum"), ShapeError);
  EXPECT_THROW(normalize_dim(-4, 3, "sum"), ShapeError);
}

}  // namespace
}  // namespace gw
