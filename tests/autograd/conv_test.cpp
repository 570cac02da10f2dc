#include "autograd/conv.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "autograd/gradcheck.h"
#include "tensor/creation.h"

namespace gw {
namespace {

Tensor leaf(const Shape& shape, Generator& g) { return randn(shape, {.requires_grad = true}, g); }

/// The definition, one output at a time.
double conv_at(const Tensor& x, const Tensor& w, const ConvOptions& o, int64_t n, int64_t out, int64_t row,
               int64_t col) {
  const int64_t in_group = w.size(1), first = out / (w.size(0) / o.groups) * in_group;
  double sum = 0;
  for (int64_t i = 0; i < in_group; ++i)
    for (int64_t kh = 0; kh < w.size(2); ++kh)
      for (int64_t kw = 0; kw < w.size(3); ++kw) {
        const int64_t h = row * o.stride.h + kh * o.dilation.h - o.padding.h;
        const int64_t v = col * o.stride.w + kw * o.dilation.w - o.padding.w;
        if (h < 0 || h >= x.size(2) || v < 0 || v >= x.size(3)) continue;
        sum += x.select(0, n).select(0, first + i).select(0, h).select(0, v).item() *
               w.select(0, out).select(0, i).select(0, kh).select(0, kw).item();
      }
  return sum;
}

TEST(Conv2dOp, ForwardIsTheDefinition) {
  Generator g(1);
  const Tensor x = randn({2, 4, 5, 6}, {}, g), w = randn({6, 2, 3, 2}, {}, g), b = randn({6}, {}, g);
  const ConvOptions o{.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2};
  const Tensor y = conv2d(x, w, b, o);
  ASSERT_EQ(y.shape(), Shape({2, 6, 3, 8}));
  for (int64_t n : {0, 1})
    for (int64_t c : {0, 3, 5})
      for (int64_t row : {0, 1, 2})
        for (int64_t col : {0, 4, 7}) {
          const double expected = conv_at(x, w, o, n, c, row, col) + b.select(0, c).item();
          EXPECT_NEAR(y.select(0, n).select(0, c).select(0, row).select(0, col).item(), expected, 1e-5);
        }
}

struct Case {
  Shape x, w;
  ConvOptions o;
  bool bias;
};

TEST(Conv2dOp, GradientsMatchFiniteDifferences) {
  const Case cases[] = {
      {{2, 3, 5, 5}, {4, 3, 3, 3}, {.padding = 1}, true},
      {{1, 1, 7, 6}, {2, 1, 5, 5}, {.stride = 2, .padding = 2}, true},
      {{3, 2, 3, 4}, {3, 2, 1, 1}, {}, false},
      {{2, 4, 4, 4}, {4, 2, 3, 3}, {.stride = {1, 2}, .padding = {0, 1}, .groups = 2}, true},
      {{1, 2, 6, 6}, {2, 2, 2, 3}, {.dilation = 2}, true},
  };
  for (const Case& c : cases) {
    Generator g(2);
    std::vector<Tensor> inputs{leaf(c.x, g), leaf(c.w, g)};
    if (c.bias) inputs.push_back(leaf({c.w[0]}, g));
    const auto f = [&](const std::vector<Tensor>& in) { return conv2d(in[0], in[1], c.bias ? in[2] : Tensor{}, c.o); };
    EXPECT_EQ(gradcheck(f, inputs), "") << c.x.to_string() << " " << c.w.to_string();
  }
}

TEST(Conv2dOp, AGradientFlowsOnlyWhereOneIsWanted) {
  Generator g(3);
  const Tensor data = randn({2, 2, 4, 4}, {}, g), fixed = randn({3, 2, 3, 3}, {}, g);
  const Tensor w = leaf({3, 2, 3, 3}, g), b = leaf({3}, g), x = leaf({2, 2, 4, 4}, g);
  conv2d(data, w, b).sum().backward();
  EXPECT_TRUE(w.grad().defined());
  EXPECT_FALSE(data.grad().defined());
  conv2d(x, fixed).sum().backward();
  EXPECT_TRUE(x.grad().defined());

  const Tensor alone = leaf({3}, g);
  conv2d(data, fixed, alone).sum().backward();
  for (float d : alone.grad().to_vector<float>()) EXPECT_EQ(d, 2 * 2 * 2);
}

TEST(Conv2dOp, InMixedPrecisionParametersStayF32) {
  Generator g(4);
  const Tensor x32 = randn({2, 3, 6, 6}, {}, g);
  Tensor x = x32.to(DType::bf16);
  x.set_requires_grad();
  const Tensor w = leaf({4, 3, 3, 3}, g), b = leaf({4}, g);
  const Tensor y = conv2d(x, w, b, {.padding = 1});
  EXPECT_EQ(y.dtype(), DType::bf16);
  y.backward(ones({2, 4, 6, 6}, {.dtype = DType::bf16}));
  EXPECT_EQ(x.grad().dtype(), DType::bf16);
  ASSERT_EQ(w.grad().dtype(), DType::f32);
  ASSERT_EQ(b.grad().dtype(), DType::f32);

  const Tensor w2 = w.detach().to(DType::bf16).to(DType::f32).set_requires_grad();
  const Tensor b2 = b.detach().clone().set_requires_grad();
  const Tensor y2 = conv2d(x.detach().to(DType::f32), w2, b2, {.padding = 1});
  y2.backward(ones({2, 4, 6, 6}));
  EXPECT_LT((y.detach().to(DType::f32) - y2.detach()).abs().max().item(), 0.05);
  // The gradient of the weight is a sum of products of bf16 numbers in f32: nothing is rounded on the way.
  EXPECT_LT((w.grad() - w2.grad()).abs().max().item(), 2e-4);
  EXPECT_LT((b.grad() - b2.grad()).abs().max().item(), 1e-4);
}

TEST(Conv2dOp, ReadsAnyLayout) {
  Generator g(5);
  const Tensor x = randn({2, 3, 5, 4}, {}, g), w = randn({2, 3, 3, 3}, {}, g);
  const Tensor expected = conv2d(x, w);
  const Tensor views[] = {x.contiguous(MemoryFormat::channels_last), x.transpose(2, 3).contiguous().transpose(2, 3),
                          x.unsqueeze(0).expand({2, -1, -1, -1, -1}).select(0, 1)};
  for (const Tensor& view : views)
    EXPECT_LT((conv2d(view, w.contiguous(MemoryFormat::channels_last)) - expected).abs().max().item(), 1e-5);
}

TEST(Conv2dOp, AnEmptyBatchGivesAnEmptyBatchAndZeroGradients) {
  Generator g(6);
  const Tensor w = leaf({2, 3, 3, 3}, g), b = leaf({2}, g);
  const Tensor y = conv2d(zeros({0, 3, 5, 5}), w, b);
  EXPECT_EQ(y.shape(), Shape({0, 2, 3, 3}));
  y.sum().backward();
  EXPECT_EQ(w.grad().abs().max().item(), 0);
  EXPECT_EQ(b.grad().abs().max().item(), 0);
}

TEST(Conv2dOp, WrongShapesAreNamed) {
  try {
    conv2d(zeros({2, 3, 8, 8}), zeros({16, 1, 5, 5}));
    FAIL() << "expected a ShapeError";
  } catch (const ShapeError& e) {
    EXPECT_NE(std::string(e.what()).find("conv2d: input has 3 channels, weight [16, 1, 5, 5] expects 1"),
              std::string::npos)
        << e.what();
  }
  EXPECT_THROW(conv2d(zeros({3, 8, 8}), zeros({1, 3, 3, 3})), ShapeError);
  EXPECT_THROW(conv2d(zeros({1, 3, 8, 8}), zeros({1, 3, 3, 3}), zeros({2})), ShapeError);
  EXPECT_THROW(conv2d(zeros({1, 1, 2, 2}), zeros({1, 1, 3, 3})), ShapeError);
}

}  // namespace
}  // namespace gw
