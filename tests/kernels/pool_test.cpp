#include "kernels/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
using Values = std::vector<double>;

/// One axis by PyTorch's rules, step by step.
struct Axis {
  int64_t in, kernel, stride, padding, out;

  Axis(int64_t in, int64_t kernel, int64_t stride, int64_t padding, bool ceil_mode)
      : in(in), kernel(kernel), stride(stride ? stride : kernel), padding(padding) {
    const double steps = static_cast<double>(in + 2 * padding - kernel) / static_cast<double>(this->stride);
    out = static_cast<int64_t>(ceil_mode ? std::ceil(steps) : std::floor(steps)) + 1;
    if (ceil_mode && (out - 1) * this->stride >= in + padding) --out;
  }
  int64_t start(int64_t o) const { return o * stride - padding; }
  int64_t end(int64_t o) const { return std::min(start(o) + kernel, in + padding); }
};

struct Average {
  Values y, dx;
};

/// avg_pool2d and the gradient of sum(y * dy), where dy[i] = i + 1.
Average reference_average(const Values& x, const Shape& s, const AvgPoolOptions& o) {
  const Axis h(s[2], o.kernel.h, o.stride.h, o.padding.h, o.ceil_mode);
  const Axis w(s[3], o.kernel.w, o.stride.w, o.padding.w, o.ceil_mode);
  Average result{{}, Values(x.size())};
  for (int64_t plane = 0; plane < s[0] * s[1]; ++plane) {
    for (int64_t oh = 0; oh < h.out; ++oh) {
      for (int64_t ow = 0; ow < w.out; ++ow) {
        double sum = 0;
        int64_t inside = 0;
        const int64_t padded = (h.end(oh) - h.start(oh)) * (w.end(ow) - w.start(ow));
        std::vector<size_t> members;
        for (int64_t i = std::max<int64_t>(0, h.start(oh)); i < std::min(h.end(oh), s[2]); ++i) {
          for (int64_t j = std::max<int64_t>(0, w.start(ow)); j < std::min(w.end(ow), s[3]); ++j) {
            members.push_back(static_cast<size_t>((plane * s[2] + i) * s[3] + j));
            sum += x[members.back()];
            ++inside;
          }
        }
        const int64_t divisor = o.divisor_override ? *o.divisor_override : (o.count_include_pad ? padded : inside);
        result.y.push_back(sum / static_cast<double>(divisor));
        for (const size_t m : members)
          result.dx[m] += static_cast<double>(result.y.size()) / static_cast<double>(divisor);
      }
    }
  }
  return result;
}

Tensor random(const Shape& shape, uint64_t seed = 4) {
  Generator generator(seed);
  return randn(shape, {}, generator);
}

/// 1, 2, 3, ... in row-major order.
Tensor counting(const Shape& shape) {
  return arange(1, static_cast<double>(shape.numel()) + 1).to(DType::f32).reshape(shape);
}

const std::vector<AvgPoolOptions> kAverages{
    {.kernel = 2},
    {.kernel = 2, .ceil_mode = true},
    {.kernel = 3, .stride = 2, .padding = 1},
    {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true},
    {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false},
    {.kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 0}, .ceil_mode = true},
    {.kernel = 2, .stride = 3, .ceil_mode = true},
    {.kernel = {1, 3}, .stride = 1, .padding = {0, 1}, .count_include_pad = false},
    {.kernel = 3, .stride = 2, .ceil_mode = true, .divisor_override = 5},
};

TEST(AvgPool, MatchesPyTorchsRulesForEverySmallSizeAndLayout) {
  for (const AvgPoolOptions& o : kAverages) {
    for (int64_t side = 1; side <= 7; ++side) {
      const Shape shape{2, 11, side, 8 - side};
      const bool fits = o.ceil_mode ? side + o.padding.h >= o.kernel.h - 1 && 8 - side + o.padding.w >= o.kernel.w - 1
                                    : side + 2 * o.padding.h >= o.kernel.h && 8 - side + 2 * o.padding.w >= o.kernel.w;
      if (!fits) continue;
      const Tensor x = random(shape);
      const Average expected = reference_average(x.to_vector<double>(), shape, o);
      for (const MemoryFormat format : {MemoryFormat::contiguous, MemoryFormat::channels_last}) {
        const Tensor y = kernels::avg_pool2d(kernels::contiguous(x, format), o);
        EXPECT_TRUE(y.is_contiguous(format));
        expect_close(y, expected.y);
        const Tensor dx = kernels::avg_pool2d_backward(kernels::contiguous(counting(y.shape()), format), shape, o);
        expect_close(dx, expected.dx);
      }
    }
  }
}

TEST(AvgPool, GradientsAreAddedToOthers) {
  for (const AvgPoolOptions& o : kAverages)
    for (const Shape& shape : {Shape{2, 11, 7, 6}, Shape{3, 32, 6, 8}})
      for (const DType dtype : {DType::f32, DType::bf16})
        for (const MemoryFormat format : {MemoryFormat::contiguous, MemoryFormat::channels_last}) {
          const Tensor x = kernels::cast(random(shape), dtype), added = kernels::contiguous(x, format);
          const Tensor dy = kernels::cast(kernels::avg_pool2d(kernels::contiguous(random(shape), format), o), dtype);
          const Tensor sum = kernels::avg_pool2d_backward(dy, shape, o, added);
          const Tensor exact = kernels::avg_pool2d_backward(kernels::cast(dy, DType::f32), shape, o);
          const double tolerance = dtype == DType::bf16 ? 4e-3 : 1e-6;
          expect_close(sum, kernels::add(exact, kernels::cast(added, DType::f32), 1), tolerance, tolerance);
          const MemoryFormat other =
              format == MemoryFormat::contiguous ? MemoryFormat::channels_last : MemoryFormat::contiguous;
          expect_close(kernels::avg_pool2d_backward(dy, shape, o, kernels::contiguous(x, other)), sum, 0, 0);
        }
}

TEST(AvgPool, EveryChannelCountFillsItsVectors) {
  for (const int64_t channels : {1, 3, 8, 16, 25, 64, 90}) {
    const Shape shape{3, channels, 5, 6};
    const Tensor x = random(shape);
    const Average expected = reference_average(x.to_vector<double>(), shape, {.kernel = 2, .ceil_mode = true});
    const Tensor last = kernels::contiguous(x, MemoryFormat::channels_last);
    expect_close(kernels::avg_pool2d(last, {.kernel = 2, .ceil_mode = true}), expected.y);
  }
}

TEST(AvgPool, Bf16RoundsOnlyTheResult) {
  const Tensor x = kernels::cast(random({2, 8, 6, 6}), DType::bf16);
  const Tensor y = kernels::avg_pool2d(x, {.kernel = 3});
  EXPECT_EQ(y.dtype(), DType::bf16);
  expect_close(y, kernels::cast(kernels::avg_pool2d(kernels::cast(x, DType::f32), {.kernel = 3}), DType::bf16), 0, 0);
}

TEST(Pool, ReadsNonContiguousInputsAndGradients) {
  const Tensor x = views::slice(random({2, 3, 8, 9}), 3, 0, 9, 2), copy = kernels::contiguous(x);
  expect_close(kernels::avg_pool2d(x, {.kernel = 2}), kernels::avg_pool2d(copy, {.kernel = 2}), 0, 0);
  const auto a = kernels::max_pool2d(x, {.kernel = 2}), b = kernels::max_pool2d(copy, {.kernel = 2});
  expect_close(a.y, b.y, 0, 0);
  const Tensor dy = views::expand(ones({1, 1, 1, 1}), b.y.shape());
  expect_close(kernels::max_pool2d_backward(dy, a.indices, x.shape(), {.kernel = 2}),
               kernels::max_pool2d_backward(dy, b.indices, x.shape(), {.kernel = 2}), 0, 0);
}

TEST(MaxPool, ValuesIndicesAndGradient) {
  const Tensor x = from_values<float>({1, 5, 2, 0,    //
                                       3, 5, 9, 1,    //
                                       7, 7, -1, -2,  //
                                       7, 7, -3, -4},
                                      {1, 1, 4, 4});
  const auto result = kernels::max_pool2d(x, {.kernel = 2});
  expect_close(result.y, {5, 9, 7, -1});
  expect_close(result.indices, {1, 6, 8, 10});  // the first of equals
  EXPECT_EQ(result.indices.dtype(), DType::i32);
  expect_close(kernels::max_pool2d_backward(tensor({1, 2, 3, 4}).reshape({1, 1, 2, 2}), result.indices, x.shape(),
                                            {.kernel = 2}),
               {0, 1, 0, 0, 0, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0, 0});
}

TEST(MaxPool, OverlappingWindowsAddTheirGradients) {
  const Tensor x = from_values<float>({0, 1, 0, 2, 9, 3, 0, 4, 0}, {1, 1, 3, 3});
  const PoolOptions o{.kernel = 2, .stride = 1};
  const auto result = kernels::max_pool2d(x, o);
  expect_close(result.y, {9, 9, 9, 9});
  expect_close(kernels::max_pool2d_backward(ones({1, 1, 2, 2}), result.indices, x.shape(), o),
               {0, 0, 0, 0, 4, 0, 0, 0, 0});
}

TEST(MaxPool, PaddingNeverWinsAndNanAlwaysDoes) {
  const Tensor negative = full({1, 1, 2, 2}, -3);
  const auto padded = kernels::max_pool2d(negative, {.kernel = 2, .padding = 1});
  expect_close(padded.y, {-3, -3, -3, -3});
  expect_close(padded.indices, {0, 1, 2, 3});
  for (int at = 0; at < 4; ++at) {
    std::vector<float> values{1, 2, 3, 4};
    values[static_cast<size_t>(at)] = static_cast<float>(kNan);
    expect_close(kernels::max_pool2d(from_values(values, {1, 1, 2, 2}), {.kernel = 2}).y, {kNan});
  }
  const Tensor lowest = full({1, 1, 2, 2}, -std::numeric_limits<double>::infinity());
  expect_close(kernels::max_pool2d(lowest, {.kernel = 2}).indices, Values{0});
}

TEST(MaxPool, LayoutsAgreeForEverySmallSize) {
  for (const PoolOptions& o : {PoolOptions{.kernel = 2, .ceil_mode = true},
                               PoolOptions{.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true},
                               PoolOptions{.kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 1}}}) {
    for (int64_t side = 2; side <= 7; ++side) {
      const Tensor x = random({2, 13, side, 9 - side});
      const auto a = kernels::max_pool2d(x, o),
                 b = kernels::max_pool2d(kernels::contiguous(x, MemoryFormat::channels_last), o);
      EXPECT_TRUE(b.y.is_contiguous(MemoryFormat::channels_last));
      expect_close(a.y, b.y, 0, 0);
      expect_close(a.indices, b.indices, 0, 0);
      const Tensor dy = counting(a.y.shape()), dx = kernels::max_pool2d_backward(dy, a.indices, x.shape(), o);
      expect_close(kernels::max_pool2d_backward(dy, b.indices, x.shape(), o), dx, 0, 0);
      // Every gradient arrives somewhere, exactly once.
      const Values in = dy.to_vector<double>(), out = dx.to_vector<double>();
      double sum_in = 0, sum_out = 0;
      for (const double v : in) sum_in += v;
      for (const double v : out) sum_out += v;
      EXPECT_EQ(sum_in, sum_out);
    }
  }
}

TEST(AdaptivePool, WindowsDivideTheInputEvenly) {
  const Tensor x = counting({1, 1, 1, 5});
  expect_close(kernels::adaptive_avg_pool2d(x, {1, 2}), {2, 4});         // 1 2 3 | 3 4 5
  expect_close(kernels::adaptive_avg_pool2d(x, {1, 3}), {1.5, 3, 4.5});  // 1 2 | 2 3 4 | 4 5
  expect_close(kernels::adaptive_avg_pool2d(counting({1, 1, 1, 2}), {1, 4}), {1, 1, 2, 2});
  expect_close(kernels::adaptive_avg_pool2d_backward(tensor({6, 12}).reshape({1, 1, 1, 2}), x.shape()),
               {2, 2, 6, 4, 4});
  const auto max = kernels::adaptive_max_pool2d(x, {1, 3});
  expect_close(max.y, {2, 4, 5});
  expect_close(max.indices, {1, 3, 4});
  expect_close(kernels::adaptive_max_pool2d_backward(ones({1, 1, 1, 3}), max.indices, x.shape()), {0, 1, 0, 1, 1});
}

TEST(AdaptivePool, OneOutputIsTheMeanOfThePlane) {
  for (const int64_t channels : {1, 10, 128}) {
    const Tensor x = kernels::contiguous(random({3, channels, 7, 5}), MemoryFormat::channels_last);
    const Average expected = reference_average(x.to_vector<double>(), x.shape(), {.kernel = {7, 5}});
    const Tensor y = kernels::adaptive_avg_pool2d(x, 1);
    EXPECT_EQ(y.shape().to_string(), Shape({3, channels, 1, 1}).to_string());
    expect_close(y, expected.y);
    expect_close(kernels::adaptive_avg_pool2d_backward(counting(y.shape()), x.shape()), expected.dx);
  }
}

/// Every element of a window must know the window, whatever the sizes.
TEST(AdaptivePool, GradientsReachExactlyTheWindowsElements) {
  for (int64_t in = 1; in <= 9; ++in) {
    for (int64_t out = 1; out <= 9; ++out) {
      const Tensor dx = kernels::adaptive_avg_pool2d_backward(counting({1, 1, 1, out}), {1, 1, 1, in});
      Values expected(static_cast<size_t>(in));
      for (int64_t o = 0; o < out; ++o) {
        const int64_t begin = o * in / out, end = ((o + 1) * in + out - 1) / out;
        for (int64_t i = begin; i < end; ++i)
          expected[static_cast<size_t>(i)] += static_cast<double>(o + 1) / static_cast<double>(end - begin);
      }
      expect_close(dx, expected);
    }
  }
}

TEST(Pool, TakesAnEmptyBatch) {
  const Tensor x = zeros({0, 3, 4, 4});
  EXPECT_EQ(kernels::avg_pool2d(x, {.kernel = 2}).shape().to_string(), "[0, 3, 2, 2]");
  EXPECT_EQ(kernels::max_pool2d(x, {.kernel = 2}).y.shape().to_string(), "[0, 3, 2, 2]");
  EXPECT_EQ(kernels::adaptive_avg_pool2d_backward(zeros({0, 3, 1, 1}), x.shape()).numel(), 0);
}

TEST(Pool, NamesWhatDoesNotFit) {
  const Tensor x = zeros({1, 2, 4, 4});
  EXPECT_EQ(message_of<ShapeError>([] {
              kernels::avg_pool2d(zeros({4, 4}), {.kernel = 2});
            }),
            "avg_pool2d: expected [N, C, H, W], got [4, 4]");
  EXPECT_EQ(message_of<DTypeError>([] {
              kernels::max_pool2d(zeros({1, 1, 4, 4}, {.dtype = DType::u8}), {.kernel = 2});
            }),
            "max_pool2d: expected f32 or bf16, got u8");
  EXPECT_EQ(message_of<ShapeError>([&] { kernels::avg_pool2d(x, {.kernel = 5}); }),
            "avg_pool2d: a kernel of 5 does not fit into an input of 4 with padding 0");
  EXPECT_EQ(message_of<ConfigError>([&] { kernels::avg_pool2d(x, {.kernel = 0}); }),
            "avg_pool2d: expected a kernel and a stride of at least 1, got 0 and 0");
  EXPECT_EQ(message_of<ConfigError>([&] { kernels::max_pool2d(x, {.kernel = 3, .padding = 2}); }),
            "max_pool2d: expected a padding of at most half the kernel, 1, got 2");
  EXPECT_EQ(message_of<ConfigError>([&] { kernels::adaptive_avg_pool2d(x, 0); }),
            "adaptive_avg_pool2d: expected an output size of at least 1, got 0 x 0");
  EXPECT_EQ(message_of<ShapeError>([&] { kernels::avg_pool2d_backward(x, x.shape(), {.kernel = 2}); }),
            "avg_pool2d_backward: expected a gradient of shape [1, 2, 2, 2], got [1, 2, 4, 4]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              kernels::avg_pool2d_backward(zeros({1, 2, 2, 2}), x.shape(), {.kernel = 2}, zeros({1, 2, 2, 2}));
            }),
            "avg_pool2d_backward: expected a f32 gradient of shape [1, 2, 4, 4] to add to, got f32 of shape [1, 2, 2, "
            "2]");
  EXPECT_THROW(kernels::avg_pool2d(x, {.kernel = 2, .divisor_override = 0}), ConfigError);
}

}  // namespace
}  // namespace gw
