#include "autograd/index.h"

#include <gtest/gtest.h>

#include "autograd/gradcheck.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using Floats = std::vector<float>;
using Inputs = std::vector<Tensor>;

Tensor longs(const std::vector<int64_t>& values) {
  return from_values(values, {static_cast<int64_t>(values.size())}, {.dtype = DType::i64});
}
Tensor input(const Shape& shape) { return rand(shape, {.requires_grad = true}); }

TEST(Index, Embedding) {
  const Tensor table = arange(0, 8).reshape({4, 2});
  EXPECT_EQ(embedding(table, longs({3, 0, 3})).to_vector<float>(), (Floats{6, 7, 0, 1, 6, 7}));
  EXPECT_EQ(embedding(table, longs({1, 2}).reshape({2, 1})).shape(), (Shape{2, 1, 2}));
  EXPECT_EQ(embedding(table, longs({1}).reshape({})).shape(), (Shape{2}));
  EXPECT_EQ(embedding(table, longs({})).shape(), (Shape{0, 2}));
  EXPECT_THROW(embedding(table, longs({4})), ShapeError);
  EXPECT_THROW(embedding(table, longs({-1})), ShapeError);
  EXPECT_THROW(embedding(table, tensor({1})), DTypeError);

  const Tensor weight = zeros({4, 3}, {.requires_grad = true});
  embedding(weight, longs({1, 3, 1, 0}), -1).sum().backward();
  EXPECT_EQ(weight.grad().to_vector<float>(), (Floats{1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0}));
}

TEST(Index, ManySmallGradientsOfOneRowAreNotLostInBf16) {
  // In bf16 alone the sum would stop growing at 256.
  Tensor weight = zeros({2, 1}, {.dtype = DType::bf16, .requires_grad = true});
  embedding(weight, zeros({1000}, {.dtype = DType::i64})).sum().backward();
  EXPECT_EQ(weight.grad().to_vector<float>(), (Floats{1000, 0}));
}

TEST(Index, GatherAndIndexSelect) {
  const Tensor x = arange(0, 6).reshape({2, 3});
  EXPECT_EQ(gather(x, 1, longs({2, 0, 0, 1}).reshape({2, 2})).to_vector<float>(), (Floats{2, 0, 3, 4}));
  EXPECT_EQ(gather(x, 0, longs({1, 0, 1}).reshape({1, 3})).to_vector<float>(), (Floats{3, 1, 5}));
  EXPECT_THROW(gather(x, 1, longs({3, 0}).reshape({2, 1})), ShapeError);
  EXPECT_THROW(gather(x, 1, longs({0, 0, 0}).reshape({3, 1})), ShapeError);
  EXPECT_EQ(index_select(x, -1, longs({2, 2})).to_vector<float>(), (Floats{2, 2, 5, 5}));
  EXPECT_EQ(index_select(x.t(), 0, longs({1})).to_vector<float>(), (Floats{1, 4}));
  EXPECT_EQ(index_select(longs({5, 6, 7}), 0, longs({2, 0})).to_vector<int64_t>(), (std::vector<int64_t>{7, 5}));
}

TEST(Index, CatAndStack) {
  const Tensor a = arange(0, 4).reshape({2, 2}), b = arange(4, 6).reshape({2, 1});
  EXPECT_EQ(cat({a, b}, 1).to_vector<float>(), (Floats{0, 1, 4, 2, 3, 5}));
  EXPECT_EQ(cat({a, a}, -2).shape(), (Shape{4, 2}));
  EXPECT_EQ(stack({a, a}, 2).to_vector<float>(), (Floats{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(stack({a, a}).shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(cat({a, a.to(DType::bf16)}).dtype(), DType::f32);
  const Tensor last = zeros({2, 3, 4, 4}).contiguous(MemoryFormat::channels_last);
  EXPECT_TRUE(cat({last, last}, 1).is_contiguous(MemoryFormat::channels_last));
  EXPECT_THROW(cat({a, b}, 0), ShapeError);
  EXPECT_THROW(cat({}), ConfigError);
  EXPECT_THROW(stack({a, b}), ShapeError);
}

TEST(Index, PadAndCrop) {
  const Tensor x = arange(1, 5).reshape({2, 2});
  EXPECT_EQ(pad(x, {1, 0}, 9).to_vector<float>(), (Floats{9, 1, 2, 9, 3, 4}));
  EXPECT_EQ(pad(x, {0, 0, 1, 1}).to_vector<float>(), (Floats{0, 0, 1, 2, 3, 4, 0, 0}));
  EXPECT_EQ(pad(x, {-1, 1}).to_vector<float>(), (Floats{2, 0, 4, 0}));
  EXPECT_EQ(pad(x, {-3, 2}, 7).to_vector<float>(), (Floats{7, 7}));
  EXPECT_THROW(pad(x, {-2, -1}), ShapeError);
  EXPECT_THROW(pad(x, {1}), ShapeError);
  EXPECT_THROW(pad(x, {1, 1, 1, 1, 1, 1}), ShapeError);
}

TEST(Index, FlipAndRoll) {
  const Tensor x = arange(0, 6).reshape({2, 3});
  EXPECT_EQ(flip(x, {1}).to_vector<float>(), (Floats{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(flip(x, {0, -1}).to_vector<float>(), (Floats{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(flip(x.t(), {0}).to_vector<float>(), (Floats{2, 5, 1, 4, 0, 3}));
  const Tensor last = arange(0, 24).reshape({1, 2, 3, 4}).contiguous(MemoryFormat::channels_last);
  EXPECT_EQ(flip(last, {3}).to_vector<float>(), flip(last.contiguous(), {3}).to_vector<float>());
  EXPECT_TRUE(flip(last, {3}).is_contiguous(MemoryFormat::channels_last));
  EXPECT_EQ(flip(zeros({0, 2}), {1}).shape(), (Shape{0, 2}));
  EXPECT_THROW(flip(x, {1, -1}), ShapeError);
  EXPECT_EQ(roll(x, {1}, {1}).to_vector<float>(), (Floats{2, 0, 1, 5, 3, 4}));
  EXPECT_EQ(roll(x, {-1, 5}, {1, 0}).to_vector<float>(), (Floats{4, 5, 3, 1, 2, 0}));
}

TEST(Index, OneHot) {
  EXPECT_EQ(one_hot(longs({1, 0})).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 1, 0}));
  EXPECT_EQ(one_hot(longs({1}), 3).shape(), (Shape{1, 3}));
  EXPECT_THROW(one_hot(longs({3}), 3), ShapeError);
  EXPECT_THROW(one_hot(longs({-1}), 3), ShapeError);
  EXPECT_THROW(one_hot(longs({})), ShapeError);
}

TEST(Index, Gradients) {
  const auto ok = [](const std::function<Tensor(const Inputs&)>& f, const Inputs& in) {
    EXPECT_EQ(gradcheck(f, in), "");
  };
  ok([](const Inputs& in) { return embedding(in[0], longs({2, 0, 2, 1})); }, {input({4, 3})});
  ok([](const Inputs& in) { return gather(in[0], 1, longs({0, 0, 2, 1}).reshape({2, 2})); }, {input({2, 3})});
  ok([](const Inputs& in) { return index_select(in[0], 1, longs({2, 0, 2})); }, {input({2, 3, 2})});
  ok([](const Inputs& in) { return cat({in[0], in[1]}, 1); }, {input({2, 3}), input({2, 1})});
  ok([](const Inputs& in) { return stack({in[0], in[1]}, 1); }, {input({2, 3}), input({2, 3})});
  ok([](const Inputs& in) { return pad(in[0], {1, -1, 2, 0}, 3); }, {input({2, 3})});
  ok([](const Inputs& in) { return flip(in[0], {0, 1}); }, {input({2, 3})});
  ok([](const Inputs& in) { return roll(in[0], {2}, {1}); }, {input({2, 3})});
}

}  // namespace
}  // namespace gw
