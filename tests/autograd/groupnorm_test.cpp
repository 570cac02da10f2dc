#include "autograd/groupnorm.h"

#include <gtest/gtest.h>

#include "autograd/gradcheck.h"
#include "tensor/creation.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

struct Inputs {
  Tensor x, weight, bias;

  Inputs(const Shape& shape, const Shape& affine) {
    Generator generator(5);
    x = randn(shape, {}, generator).set_requires_grad();
    weight = (rand(affine, {}, generator) + 0.5).set_requires_grad();
    bias = randn(affine, {}, generator).set_requires_grad();
  }
};

TEST(GroupNormGradient, AgreesWithFiniteDifferences) {
  for (const Shape& shape : {Shape{3, 6}, Shape{2, 4, 5}, Shape{2, 6, 3, 2}, Shape{2, 4, 2, 3, 2}}) {
    const Inputs in(shape, {shape[1]});
    const auto f = [](const std::vector<Tensor>& t) { return group_norm(t[0], 2, t[1], t[2]); };
    EXPECT_EQ(gradcheck(f, {in.x, in.weight, in.bias}), "") << shape.to_string();
    const auto plain = [](const std::vector<Tensor>& t) { return group_norm(t[0], 2); };
    EXPECT_EQ(gradcheck(plain, {in.x}), "") << shape.to_string();
  }
}

TEST(GroupNormGradient, OfLayerAndInstanceNorm) {
  const Inputs lines({3, 2, 5}, {2, 5}), images({2, 3, 3, 4}, {3});
  const auto layer = [](const std::vector<Tensor>& t) { return layer_norm(t[0], {2, 5}, t[1], t[2]); };
  EXPECT_EQ(gradcheck(layer, {lines.x, lines.weight, lines.bias}), "");
  const auto instance = [](const std::vector<Tensor>& t) { return instance_norm(t[0], {}, {}, t[1], t[2]); };
  EXPECT_EQ(gradcheck(instance, {images.x, images.weight, images.bias}), "");
}

TEST(GroupNormGradient, OnlyWhatIsAskedFor) {
  const Inputs in({2, 4, 3, 3}, {4});
  for (const bool affine : {false, true}) {
    Tensor x = in.x.detach(), w = in.weight.detach(), b = in.bias.detach();
    (affine ? w : x).set_requires_grad();
    group_norm(x, 2, w, b).sum().backward();
    EXPECT_EQ(x.grad().defined(), !affine);
    EXPECT_EQ(w.grad().defined(), affine);
    EXPECT_FALSE(b.grad().defined());
  }
}

/// y and the gradients of a function of x, weight and bias.
std::vector<Tensor> results(const Inputs& in, const std::function<Tensor(const std::vector<Tensor>&)>& f) {
  std::vector<Tensor> leaves;
  for (const Tensor& t : {in.x, in.weight, in.bias}) leaves.push_back(t.detach().clone().set_requires_grad());
  const Tensor y = f(leaves);
  Generator generator(6);
  y.backward(randn(y.shape(), {}, generator));
  return {y.detach(), leaves[0].grad(), leaves[1].grad(), leaves[2].grad()};
}

void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i) expect_close(a[i], b[i], 1e-4, 1e-5);
}

TEST(LayerNorm, OfChannelsLastImagesEqualsThatOfContiguousOnes) {
  const Inputs in({3, 4, 5, 2}, {4, 5, 2});
  const auto norm = [](const std::vector<Tensor>& t) { return layer_norm(t[0], {4, 5, 2}, t[1], t[2]); };
  const auto last = [](const std::vector<Tensor>& t) {
    return layer_norm(t[0].contiguous(MemoryFormat::channels_last), {4, 5, 2}, t[1], t[2]);
  };
  expect_same(results(in, last), results(in, norm));
}

TEST(GroupNorm, OneGroupIsTheLayerNormOverAllButTheSamples) {
  const Inputs in({3, 4, 5, 2}, {4});
  const auto group = [](const std::vector<Tensor>& t) { return group_norm(t[0], 1, t[1], t[2]); };
  const auto layer = [](const std::vector<Tensor>& t) {
    const Tensor y = layer_norm(t[0], {4, 5, 2});
    return y * t[1].reshape({1, 4, 1, 1}) + t[2].reshape({1, 4, 1, 1});
  };
  expect_same(results(in, group), results(in, layer));
}

TEST(InstanceNorm, RunningStatisticsFollowTheMeanOfTheSamples) {
  const Inputs in({3, 2, 4, 5}, {2});
  const Tensor mean = tensor({1, 2}), var = tensor({3, 4}), x = in.x.detach();
  instance_norm(x, mean, var, {}, {}, {.momentum = 0.25});
  const Tensor flat = x.reshape({3, 2, 20});
  expect_close(mean, (flat.mean({2}).mean({0}) * 0.25 + tensor({1, 2}) * 0.75).to_vector<double>(), 1e-4);
  expect_close(var, (flat.var({2}).mean({0}) * 0.25 + tensor({3, 4}) * 0.75).to_vector<double>(), 1e-4);
}

TEST(GroupNorm, ErrorsAreClear) {
  const Tensor x = ones({2, 6, 3, 3});
  EXPECT_EQ(message_of<ShapeError>([&] { group_norm(x, 4); }), "group_norm: 6 channels cannot be split into 4 groups");
  EXPECT_EQ(message_of<ShapeError>([&] { group_norm(x, 2, ones({3})); }),
            "group_norm: weight has shape [3], expected [6], the input's channels");
  EXPECT_EQ(message_of<ShapeError>([&] { group_norm(ones({6}), 2); }),
            "group_norm: expected [N, C], [N, C, L] or [N, C, H, W], got [6]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              group_norm(zeros({2, 6}, {.dtype = DType::i64}), 2);
            }),
            "group_norm: expected f32 or bf16, got i64");
  EXPECT_EQ(message_of<ShapeError>([&] {
              layer_norm(x, {6, 3});
            }),
            "layer_norm: expected an input that ends in [6, 3], got [2, 6, 3, 3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              layer_norm(x, {3, 3}, ones({9}));
            }),
            "layer_norm: expected a weight and a bias of shape [3, 3], got [9]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              instance_norm(ones({2, 6, 1}));
            }),
            "instance_norm: expected more than 1 number per channel, got [2, 6, 1]");
  EXPECT_EQ(message_of<ConfigError>([&] { instance_norm(x, ones({6})); }),
            "instance_norm: expected both of running mean and running variance or neither, got one");
}

}  // namespace
}  // namespace gw
