#include "autograd/matmul.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "autograd/gradcheck.h"
#include "tensor/creation.h"

namespace gw {
namespace {

Tensor leaf(const Shape& shape, Generator& g) { return randn(shape, {.requires_grad = true}, g); }

TEST(MatmulOp, AKnownProduct) {
  const Tensor a = from_values<float>({1, 2, 3, 4, 5, 6}, {2, 3}),
               b = from_values<float>({7, 8, 9, 10, 11, 12}, {3, 2});
  EXPECT_EQ(a.matmul(b).to_vector<float>(), (std::vector<float>{58, 64, 139, 154}));
  EXPECT_EQ(matmul(a.t(), b.t()).to_vector<float>(), (std::vector<float>{39, 49, 59, 54, 68, 82, 69, 87, 105}));
}

struct Case {
  Shape a, b, y;
};

TEST(MatmulOp, ShapesAndGradientsOfEveryForm) {
  const Case cases[] = {
      {{2, 3}, {3, 4}, {2, 4}},
      {{3}, {3}, {}},
      {{3}, {3, 2}, {2}},
      {{2, 3}, {3}, {2}},
      {{3}, {2, 3, 4}, {2, 4}},
      {{2, 4, 3}, {3}, {2, 4}},
      {{2, 2, 3}, {3, 4}, {2, 2, 4}},
      {{2, 3}, {4, 3, 2}, {4, 2, 2}},
      {{2, 2, 3}, {2, 3, 2}, {2, 2, 2}},
      {{1, 2, 3}, {4, 3, 2}, {4, 2, 2}},
      {{3, 1, 2, 2}, {2, 2, 3}, {3, 2, 2, 3}},
      {{1, 1}, {1, 1}, {1, 1}},
  };
  for (const Case& c : cases) {
    Generator g(1);
    const std::vector<Tensor> inputs{leaf(c.a, g), leaf(c.b, g)};
    EXPECT_EQ(inputs[0].matmul(inputs[1]).shape(), c.y) << c.a.to_string() << c.b.to_string();
    EXPECT_EQ(gradcheck([](const std::vector<Tensor>& in) { return matmul(in[0], in[1]); }, inputs), "")
        << c.a.to_string() << c.b.to_string();
  }
}

TEST(MatmulOp, TransposedAndSlicedOperands) {
  Generator g(2);
  const std::vector<Tensor> inputs{leaf({4, 3}, g), leaf({5, 8}, g)};
  const auto f = [](const std::vector<Tensor>& in) { return in[0].t().matmul(in[1].slice(0, 0, 4).slice(1, 0, 8, 2)); };
  EXPECT_EQ(gradcheck(f, inputs), "");
}

TEST(MatmulOp, OneFrozenOperand) {
  Generator g(3);
  const Tensor a = leaf({2, 3}, g), b = randn({3, 2}, {}, g);
  a.matmul(b).sum().backward();
  EXPECT_TRUE(a.grad().defined());
  EXPECT_FALSE(b.grad().defined());
}

TEST(MatmulOp, NothingToSumGivesZeros) {
  const Tensor a = zeros({2, 0}, {.requires_grad = true}), b = zeros({0, 3}, {.requires_grad = true});
  const Tensor y = a.matmul(b);
  EXPECT_EQ(y.to_vector<float>(), std::vector<float>(6, 0));
  y.sum().backward();
  EXPECT_EQ(a.grad().shape(), Shape({2, 0}));
  EXPECT_EQ(b.grad().shape(), Shape({0, 3}));
}

TEST(MatmulOp, Bf16StaysBf16) {
  Generator g(4);
  const Tensor a = randn({5, 7}, {}, g).to(DType::bf16).set_requires_grad();
  const Tensor b = randn({7, 4}, {}, g).to(DType::bf16).set_requires_grad();
  const Tensor y = a.matmul(b);
  EXPECT_EQ(y.dtype(), DType::bf16);
  y.backward(ones({5, 4}, {.dtype = DType::bf16}));
  EXPECT_EQ(a.grad().dtype(), DType::bf16);
  const Tensor expected = b.detach().to(DType::f32).sum({1});
  EXPECT_LT((a.grad().to(DType::f32) - expected).abs().max().item(), 0.05);
}

TEST(MatmulOp, WrongShapesAreErrors) {
  EXPECT_THROW(matmul(zeros({2, 3}), zeros({4, 2})), ShapeError);
  EXPECT_THROW(matmul(zeros({2, 2, 3}), zeros({3, 3, 2})), ShapeError);
  EXPECT_THROW(matmul(scalar(1), zeros({3})), ShapeError);
}

TEST(LinearOp, IsXTimesWeightTransposedPlusBias) {
  Generator g(5);
  const Tensor x = randn({4, 3}, {}, g), w = randn({2, 3}, {}, g), b = randn({2}, {}, g);
  EXPECT_LT((linear(x, w, b) - (x.matmul(w.t()) + b)).abs().max().item(), 1e-6);
}

TEST(LinearOp, GradientsMatchFiniteDifferences) {
  for (const Shape& x : {Shape{4, 3}, Shape{3}, Shape{2, 2, 3}}) {
    Generator g(6);
    EXPECT_EQ(gradcheck([](const std::vector<Tensor>& in) { return linear(in[0], in[1], in[2]); },
                        {leaf(x, g), leaf({2, 3}, g), leaf({2}, g)}),
              "")
        << x.to_string();
    EXPECT_EQ(
        gradcheck([](const std::vector<Tensor>& in) { return linear(in[0], in[1]); }, {leaf(x, g), leaf({2, 3}, g)}),
        "")
        << x.to_string();
  }
}

TEST(LinearOp, InMixedPrecisionParametersStayF32) {
  Generator g(7);
  const Tensor x = randn({6, 5}, {}, g).to(DType::bf16).set_requires_grad();
  const Tensor w = leaf({3, 5}, g), b = leaf({3}, g);
  const Tensor y = linear(x, w, b);
  EXPECT_EQ(y.dtype(), DType::bf16);
  y.backward(ones({6, 3}, {.dtype = DType::bf16}));
  EXPECT_EQ(x.grad().dtype(), DType::bf16);
  ASSERT_EQ(w.grad().dtype(), DType::f32);
  const Tensor column_sums = x.detach().to(DType::f32).sum({0});
  EXPECT_LT((w.grad() - column_sums).abs().max().item(), 1e-5);
  EXPECT_EQ(b.grad().to_vector<float>(), (std::vector<float>{6, 6, 6}));
}

TEST(LinearOp, AnEmptyBatch) {
  const Tensor w = ones({2, 3}, {.requires_grad = true}), b = ones({2}, {.requires_grad = true});
  const Tensor y = linear(zeros({0, 3}), w, b);
  EXPECT_EQ(y.shape(), Shape({0, 2}));
  y.sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), std::vector<float>(6, 0));
}

TEST(LinearOp, WrongShapesAreErrors) {
  EXPECT_THROW(linear(zeros({2, 3}), zeros({4, 2})), ShapeError);
  EXPECT_THROW(linear(zeros({2, 3}), zeros({4, 3}), zeros({3})), ShapeError);
}

}  // namespace
}  // namespace gw
