// Tensors so large that kernels take other ways than for small ones (streamed stores, tables, reductions in parts) must
// give the same bits as their parts do.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/activation.h"
#include "kernels/batchnorm.h"
#include "kernels/elementwise.h"
#include "kernels/pool.h"
#include "kernels/reduce.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using kernels::Unary;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

/// Channels-last activations of more than 16 MB in f32, and odd in every size.
Tensor images(DType dtype = DType::f32) {
  return kernels::contiguous(kernels::cast(randn({dtype == DType::f32 ? 65 : 131, 47, 37, 41}), dtype),
                             MemoryFormat::channels_last);
}

/// Elements a to b - 1 of the first dimension, in memory of their own.
Tensor part(const Tensor& x, int64_t a, int64_t b) {
  const Tensor y = empty_like(x.slice(0, a, b));
  kernels::copy(y, x.slice(0, a, b));
  return y;
}

void expect_equal(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  const auto a = actual.to_vector<float>(), b = expected.to_vector<float>();
  for (size_t i = 0; i < a.size(); ++i) ASSERT_TRUE(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) << i;
}

/// Expects f(x...) of the last image alone to be the last of f of all, likewise for an image in the middle.
template <class F, class... Operands>
void expect_image_by_image(const F& f, const Operands&... x) {
  const Tensor whole = f(x...);
  for (const int64_t i : {whole.size(0) / 2, whole.size(0) - 1})
    expect_equal(whole.slice(0, i, i + 1), f(part(x, i, i + 1)...));
}

TEST(Large, ElementWise) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = images(dtype), y = images(dtype), bias = kernels::cast(randn({47, 1, 1}), dtype);
    expect_image_by_image([](const Tensor& a) { return kernels::unary(Unary::tanh, a); }, x);
    expect_image_by_image([](const Tensor& a, const Tensor& b) { return kernels::mul(a, b); }, x, y);
    expect_image_by_image([&](const Tensor& a) { return kernels::add(a, bias); }, x);
    expect_image_by_image(
        [](const Tensor& a, const Tensor& b) {
          return kernels::where(kernels::binary(kernels::Binary::lt, a, b), a, b);
        },
        x, y);
    expect_image_by_image([](const Tensor& a) { return kernels::contiguous(a); }, x);
    expect_image_by_image([](const Tensor& a) { return kernels::activation(kernels::Activation::gelu, a, {}); }, x);
    expect_image_by_image(
        [](const Tensor& a, const Tensor& b) { return kernels::add_general_relu(a, b, {.leak = 0.1f, .sub = 0.4f}); },
        x, y);
  }
}

TEST(Large, EveryBf16ValueByTable) {
  const Tensor values = empty({1 << 20}, {.dtype = DType::bf16});
  for (int64_t i = 0; i < values.numel(); ++i) values.data<bf16>()[i].bits = static_cast<uint16_t>(i);
  for (const Unary f : {Unary::exp, Unary::log, Unary::sqrt, Unary::sigmoid, Unary::tanh})
    expect_equal(kernels::unary(f, values).slice(0, 0, 65536), kernels::unary(f, part(values, 0, 65536)));
}

TEST(Large, BatchNorm) {
  const BatchNormOptions inference{.training = false};
  const GeneralReluOptions act{.leak = 0.1f, .sub = 0.4f};
  const Tensor weight = rand({47}), bias = randn({47}), mean = randn({47}), var = rand({47});
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = images(dtype), other = images(dtype);
    expect_image_by_image(
        [&](const Tensor& a, const Tensor& r) {
          return kernels::batch_norm_forward(a, weight, bias, mean, var, inference, act, r).y;
        },
        x, other);
    expect_image_by_image(
        [&](const Tensor& a, const Tensor& dy) {
          const auto f = kernels::batch_norm_forward(a, weight, bias, mean, var, inference, act);
          return kernels::batch_norm_backward(dy, {a, weight, bias, f.mean, f.invstd, f.y}, false, true, act, false).dx;
        },
        x, other);
  }
}

TEST(Large, Pools) {
  const AvgPoolOptions halves{.kernel = 2, .ceil_mode = true}, overlapping{.kernel = 3, .stride = 1, .padding = 1};
  const PoolOptions max_halves{.kernel = 2, .ceil_mode = true}, max_overlapping{.kernel = 3, .stride = 1, .padding = 1};
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Tensor x = images(dtype);
    for (const AvgPoolOptions& o : {halves, overlapping}) {
      expect_image_by_image([&](const Tensor& a) { return kernels::avg_pool2d(a, o); }, x);
      expect_image_by_image(
          [&](const Tensor& a) { return kernels::avg_pool2d_backward(kernels::avg_pool2d(a, o), a.shape(), o); }, x);
    }
    for (const PoolOptions& o : {max_halves, max_overlapping}) {
      expect_image_by_image([&](const Tensor& a) { return kernels::max_pool2d(a, o).y; }, x);
      expect_image_by_image([&](const Tensor& a) { return kernels::max_pool2d(a, o).indices; }, x);
      expect_image_by_image(
          [&](const Tensor& a) {
            const auto r = kernels::max_pool2d(a, o);
            return kernels::max_pool2d_backward(r.y, r.indices, a.shape(), o);
          },
          x);
    }
  }
}

TEST(Large, ExtremaInParts) {
  for (const DType dtype : {DType::f32, DType::bf16, DType::i64, DType::u8}) {
    const int64_t n = 200'003;
    const Tensor line = zeros({n}, {.dtype = dtype}), columns = zeros({n, 3}, {.dtype = dtype});
    for (const int64_t i : {150'000, 170'000}) {  // two alike: the first counts
      kernels::fill(line.slice(0, i, i + 1), 7);
      kernels::fill(columns.slice(0, i, i + 1).select(1, 1), 7);
    }
    EXPECT_EQ(kernels::argmax(line, 0).item(), 150'000);
    EXPECT_EQ(kernels::amax(line).item(), 7);
    EXPECT_EQ(kernels::amin(line).item(), 0);
    EXPECT_EQ(kernels::argmax(columns, 0).to_vector<int64_t>(), (std::vector<int64_t>{0, 150'000, 0}));
    EXPECT_EQ(kernels::argmin(columns, 0).to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 0}));
  }
}

TEST(Large, ExtremaOfOddFloats) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const auto make = [&](std::vector<float> v) { return kernels::cast(tensor(v), dtype); };
    EXPECT_EQ(kernels::argmax(make({-0.0f, 0.0f}), 0).item(), 0);
    EXPECT_EQ(kernels::argmin(make({0.0f, -0.0f}), 0).item(), 0);
    EXPECT_EQ(kernels::argmax(make({-3, -kInf, -2, -2.5f}), 0).item(), 2);
    EXPECT_EQ(kernels::argmin(make({3, kInf, -2, -2.5f}), 0).item(), 3);
    EXPECT_EQ(kernels::argmin(make({1, -kInf, -kNan, kNan}), 0).item(), 2);
    EXPECT_EQ(kernels::amax(make({-kInf, -kInf})).item(), -kInf);
    EXPECT_TRUE(std::isnan(kernels::amin(make({1, -kInf, -kNan})).item()));
  }
}

}  // namespace
}  // namespace gw
