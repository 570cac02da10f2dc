#include "kernels/conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/onednn.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

using cpu::ConvMethod;

struct Case {
  Shape x, w;
  ConvOptions o;
};

std::string name_of_case(const Case& c) {
  return "x " + c.x.to_string() + " w " + c.w.to_string() + " stride " + std::to_string(c.o.stride.h) + "," +
         std::to_string(c.o.stride.w) + " padding " + std::to_string(c.o.padding.h) + "," +
         std::to_string(c.o.padding.w) + " dilation " + std::to_string(c.o.dilation.h) + " groups " +
         std::to_string(c.o.groups);
}

/// Values that bf16 holds exactly, so that all dtypes see the same operands.
Tensor values(const Shape& shape, DType dtype, uint64_t seed, bool channels_last = true) {
  Generator generator(seed);
  Tensor t = cast(cast(randn(shape, {}, generator), DType::bf16), dtype);
  return channels_last && shape.size() == 4 ? contiguous(t, MemoryFormat::channels_last) : t;
}

Shape output_shape(const Case& c) {
  return {c.x[0], c.w[0], conv_output_size(c.x[2], c.w[2], c.o.stride.h, c.o.padding.h, c.o.dilation.h),
          conv_output_size(c.x[3], c.w[3], c.o.stride.w, c.o.padding.w, c.o.dilation.w)};
}

/// y, dx, dw and db in double precision, row-major, straight from the definition.
struct Reference {
  std::vector<double> y, dx, dw, db;

  Reference(const Case& c, const Tensor& xt, const Tensor& wt, const Tensor& bt, const Tensor& dyt) {
    const auto x = xt.to_vector<double>(), w = wt.to_vector<double>(), b = bt.to_vector<double>();
    const auto& o = c.o;
    const int64_t oh = dyt.size(2), ow = dyt.size(3);
    y.resize(static_cast<size_t>(dyt.numel()));
    dx.resize(x.size()), dw.resize(w.size()), db.resize(b.size());
    const auto dy = dyt.to_vector<double>();
    const int64_t group_out = c.w[0] / o.groups;
    size_t out = 0;
    for (int64_t n = 0; n < c.x[0]; ++n)
      for (int64_t f = 0; f < c.w[0]; ++f)
        for (int64_t h = 0; h < oh; ++h)
          for (int64_t v = 0; v < ow; ++v, ++out) {
            y[out] = b[static_cast<size_t>(f)];
            db[static_cast<size_t>(f)] += dy[out];
            for (int64_t i = 0; i < c.w[1]; ++i)
              for (int64_t kh = 0; kh < c.w[2]; ++kh)
                for (int64_t kw = 0; kw < c.w[3]; ++kw) {
                  const int64_t ih = h * o.stride.h + kh * o.dilation.h - o.padding.h;
                  const int64_t iw = v * o.stride.w + kw * o.dilation.w - o.padding.w;
                  if (ih < 0 || ih >= c.x[2] || iw < 0 || iw >= c.x[3]) continue;
                  const int64_t channel = f / group_out * c.w[1] + i;
                  const auto xi = static_cast<size_t>(((n * c.x[1] + channel) * c.x[2] + ih) * c.x[3] + iw);
                  const auto wi = static_cast<size_t>(((f * c.w[1] + i) * c.w[2] + kh) * c.w[3] + kw);
                  y[out] += x[xi] * w[wi];
                  dx[xi] += dy[out] * w[wi];
                  dw[wi] += dy[out] * x[xi];
                }
          }
  }
};

/// Every element within `tolerance` of the size of the largest expected one.
void expect_close(const Tensor& got, const std::vector<double>& expected, double tolerance, const std::string& what) {
  const auto g = got.to_vector<double>();
  ASSERT_EQ(g.size(), expected.size()) << what;
  double scale = 1e-6, error = 0;
  for (double e : expected) scale = std::max(scale, std::abs(e));
  for (size_t i = 0; i < g.size(); ++i)
    error = std::max(error, std::isnan(g[i]) ? INFINITY : std::abs(g[i] - expected[i]));
  EXPECT_LE(error / scale, tolerance) << what;
}

ConvShape shape_of(const Case& c) {
  const Shape y = output_shape(c);
  return {.n = c.x[0],
          .in_c = c.x[1],
          .in_h = c.x[2],
          .in_w = c.x[3],
          .out_c = c.w[0],
          .out_h = y[2],
          .out_w = y[3],
          .kernel_h = c.w[2],
          .kernel_w = c.w[3],
          .stride_h = c.o.stride.h,
          .stride_w = c.o.stride.w,
          .pad_h = c.o.padding.h,
          .pad_w = c.o.padding.w,
          .dilation_h = c.o.dilation.h,
          .dilation_w = c.o.dilation.w,
          .groups = c.o.groups};
}

Tensor filled_with_nan(const Shape& shape, DType dtype) {
  return contiguous(full(shape, NAN, {.dtype = dtype}), MemoryFormat::channels_last);
}

/// The operands of a case, in f32, and what must come out.
struct Problem {
  Case c;
  Tensor x, w, b, dy;
  Reference expected;
  ConvShape s;

  explicit Problem(const Case& given)
      : c(given),
        x(values(c.x, DType::f32, 1)),
        w(values(c.w, DType::f32, 2)),
        b(values({c.w[0]}, DType::f32, 3)),
        dy(values(output_shape(c), DType::f32, 4)),
        expected(c, x, w, b, dy),
        s(shape_of(c)) {}
};

/// Mean and variance of every channel of the expected y.
void expect_moments(const BatchMoments& got, const Problem& p, double tolerance, const std::string& what) {
  const auto channels = static_cast<size_t>(p.s.out_c), plane = static_cast<size_t>(p.s.out_h * p.s.out_w);
  const auto count = static_cast<double>(p.s.n * p.s.out_h * p.s.out_w);
  const auto channel = [&](size_t i) { return i / plane % channels; };
  std::vector<double> mean(channels), variance(channels);
  for (size_t i = 0; i < p.expected.y.size(); ++i) mean[channel(i)] += p.expected.y[i] / count;
  for (size_t i = 0; i < p.expected.y.size(); ++i)
    variance[channel(i)] += std::pow(p.expected.y[i] - mean[channel(i)], 2) / count;
  ASSERT_TRUE(got.defined()) << what;
  expect_close(got.mean, mean, tolerance, what + " mean");
  expect_close(got.variance, variance, tolerance, what + " variance");
}

void check_method(ConvMethod method, const Problem& p, DType dtype, const std::string& name) {
  const Tensor x = cast(p.x, dtype), dy = cast(p.dy, dtype);
  // f32 rounds in sums of up to a few thousand terms, bf16 in its results; gradients of parameters are f32 in both.
  const double tolerance = dtype == DType::bf16 ? 4e-3 : 5e-6, parameter_tolerance = 1e-5;
  const std::string what = name + " " + std::string(name_of(dtype)) + " " + name_of_case(p.c);

  const Tensor y = filled_with_nan(dy.shape(), dtype), dx = filled_with_nan(p.c.x, dtype);
  const Tensor dw = filled_with_nan(p.c.w, DType::f32), db = full({p.c.w[0]}, NAN);
  BatchMoments moments;
  cpu::conv_forward(method, p.s, x, p.w, p.b, y, &moments);
  if (method == ConvMethod::pixel_tiles) expect_moments(moments, p, 1e-5, what);
  expect_close(y, p.expected.y, tolerance, what + " forward");
  cpu::conv_backward_input(method, p.s, dy, p.w, dx);
  expect_close(dx, p.expected.dx, tolerance, what + " backward input");
  if (method == ConvMethod::onednn && !cpu::onednn::computes_backward_weight(p.s, dtype)) return;
  cpu::conv_backward_weight(method, p.s, x, dy, dw, db);
  expect_close(dw, p.expected.dw, parameter_tolerance, what + " backward weight");
  expect_close(db, p.expected.db, parameter_tolerance, what + " backward bias");
  cpu::conv_backward_weight(method, p.s, x, dy, dw, {});
  expect_close(dw, p.expected.dw, parameter_tolerance, what + " backward weight without bias");
}

void check_all_methods(const Case& c) {
  const Problem p(c);
  for (DType dtype : {DType::f32, DType::bf16}) {
    if (c.o.groups == 1) check_method(ConvMethod::direct, p, dtype, "direct");
    if (c.o.groups == 1 && dtype == DType::bf16) check_method(ConvMethod::tiles, p, dtype, "tiles");
    if (c.o.groups == 1 && dtype == DType::bf16) check_method(ConvMethod::pixel_tiles, p, dtype, "pixel tiles");
    check_method(ConvMethod::im2col, p, dtype, "im2col");
    if (cpu::onednn::available()) check_method(ConvMethod::onednn, p, dtype, "onednn");
  }
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {{13, 1, 28, 28}, {16, 1, 5, 5}, {1, 2}},
      {{37, 16, 9, 9}, {16, 16, 5, 5}, {1, 2}},
      {{13, 8, 7, 7}, {16, 8, 3, 3}, {2, 1}},
      {{29, 16, 8, 8}, {33, 16, 3, 3}, {2, 1}},
      {{37, 33, 4, 4}, {10, 33, 3, 3}, {2, 1}},
      {{13, 64, 4, 4}, {48, 64, 3, 3}, {1, 1}},
      {{37, 64, 2, 2}, {64, 64, 3, 3}, {1, 1}},
      {{37, 64, 2, 2}, {64, 64, 3, 3}, {2, 1}},
      {{14, 32, 1, 1}, {64, 32, 1, 1}, {}},
      {{1, 3, 9, 5}, {8, 3, 3, 3}, {1, 1}},
      {{13, 3, 6, 9}, {10, 3, 3, 5}, {{2, 1}, {1, 2}}},
      {{13, 10, 5, 5}, {3, 10, 1, 1}, {2, 0}},
      {{13, 1, 4, 4}, {1, 1, 1, 1}, {}},
      {{13, 5, 6, 6}, {7, 5, 2, 4}, {1, {0, 1}}},
      {{13, 5, 9, 8}, {7, 5, 3, 3}, {1, 2, 2}},
      {{13, 3, 9, 8}, {18, 3, 3, 3}, {2, 2, {2, 3}}},
      {{13, 2, 5, 5}, {4, 2, 3, 3}, {3, 3}},
      {{35, 20, 3, 9}, {18, 20, 2, 2}, {1, 1}},
      {{35, 20, 2, 10}, {18, 20, 1, 4}, {1, {0, 1}}},
      {{35, 40, 3, 8}, {18, 40, 3, 7}, {1, {1, 3}}},
      {{2, 129, 3, 3}, {130, 129, 3, 3}, {1, 1}},
      {{16, 300, 2, 2}, {290, 300, 3, 3}, {2, 1}},
  };
  for (int64_t grid = 1; grid <= 9; ++grid)
    for (int64_t stride : {1, 2}) all.push_back({{9, 4, grid, grid}, {17, 4, 3, 3}, {stride, 1}});
  return all;
}

TEST(Conv2d, EveryMethodMatchesReference) {
  for (const Case& c : cases()) check_all_methods(c);
}

// On wide grids with few features (taps times channels) the weight gradient has a way of its own: fewer and as many of
// them as a tile has rows, and as many as two tiles take; rows of one piece and of several.
TEST(Conv2d, FewInputChannelsMatchReference) {
  check_all_methods({{3, 1, 20, 28}, {16, 1, 1, 1}, {}});
  check_all_methods({{9, 1, 5, 33}, {17, 1, 3, 5}, {1, 2}});
  check_all_methods({{2, 1, 7, 66}, {33, 1, 4, 4}, {1, {5, 6}}});
  check_all_methods({{1, 1, 40, 17}, {70, 1, 31, 1}, {{3, 1}, {1, 0}}});
  check_all_methods({{11, 3, 9, 64}, {32, 3, 3, 3}, {2, 1}});
  check_all_methods({{4, 2, 6, 70}, {5, 2, 3, 4}, {{1, 3}, {0, 4}, {2, 5}}});
}

Tensor pixel_tiles_forward(const Tensor& x, const Tensor& w) {
  const Case c{x.shape(), w.shape(), {}};
  const Tensor y = filled_with_nan(output_shape(c), DType::bf16);
  cpu::conv_forward(ConvMethod::pixel_tiles, shape_of(c), x, w, {}, y);
  return y;
}

// Results larger than the caches are streamed: two pixels of 16 channels to a line, or each pixel by itself.
TEST(Conv2d, StreamedResultsEqualThoseOfFewImages) {
  for (const int64_t channels : {16, 64}) {
    const int64_t n = 11 * 1024 / channels, few = 3;  // 17.6 MB
    const Tensor x = values({n, 1, 28, 28}, DType::bf16, 1), w = values({channels, 1, 1, 1}, DType::f32, 2);
    const Tensor y = pixel_tiles_forward(x, w);
    for (const int64_t first : {int64_t{0}, n / 2, n - few}) {
      const Tensor part = contiguous(x.narrow(0, first, few), MemoryFormat::channels_last);
      EXPECT_EQ(y.narrow(0, first, few).to_vector<float>(), pixel_tiles_forward(part, w).to_vector<float>())
          << channels << " channels, images from " << first;
    }
  }
}

TEST(Conv2d, MomentsKeepTheDigitsOfALargeMean) {
  const Tensor x = values({40, 3, 9, 20}, DType::bf16, 1), w = mul(values({20, 3, 3, 3}, DType::f32, 2), 0.01);
  const ConvShape s = shape_of({x.shape(), w.shape(), {}});
  const Tensor y = filled_with_nan({40, 20, 7, 18}, DType::bf16);
  BatchMoments around_zero, around_bias;
  cpu::conv_forward(ConvMethod::pixel_tiles, s, x, w, {}, y, &around_zero);
  cpu::conv_forward(ConvMethod::pixel_tiles, s, x, w, full({20}, 300), y, &around_bias);
  expect_close(around_bias.mean, add(around_zero.mean, 300).to_vector<double>(), 1e-6, "mean");
  expect_close(around_bias.variance, around_zero.variance.to_vector<double>(), 2e-3, "variance");
}

TEST(Conv2d, GroupsMatchReference) {
  check_all_methods({{3, 6, 7, 7}, {9, 2, 3, 3}, {1, 1, 1, 3}});
  check_all_methods({{9, 8, 5, 5}, {8, 1, 3, 3}, {2, 1, 1, 8}});
}

TEST(Conv2d, PublicInterfaceTakesAnyStrides) {
  const Case c{{10, 3, 6, 7}, {5, 3, 3, 3}, {1, 1}};
  const Tensor x = values({3, 7, 10, 6}, DType::f32, 1, false), w = values(c.w, DType::f32, 2, false),
               b = values({5}, DType::f32, 3);
  const Tensor view = views::permute(x, {2, 0, 3, 1});
  const Tensor dy = values({10, 5, 6, 7}, DType::f32, 4, false);
  const Reference expected(c, view, w, b, dy);
  const Tensor y = conv2d(view, w, b, c.o);
  EXPECT_TRUE(y.is_contiguous(MemoryFormat::channels_last));
  expect_close(y, expected.y, 5e-6, "y");
  expect_close(conv2d_backward_input(dy, w, c.x, c.o), expected.dx, 5e-6, "dx");
  const ConvWeightGrads grads = conv2d_backward_weight(dy, view, c.w, true, c.o);
  expect_close(grads.weight, expected.dw, 5e-6, "dw");
  expect_close(grads.bias, expected.db, 5e-6, "db");
  EXPECT_FALSE(conv2d_backward_weight(dy, view, c.w, false, c.o).bias.defined());
}

TEST(Conv2d, WithoutBias) {
  const Tensor y = conv2d(ones({1, 2, 3, 3}), ones({1, 2, 3, 3}), {});
  EXPECT_EQ(y.to_vector<float>(), std::vector<float>{18});
}

TEST(Conv2d, EmptyBatch) {
  EXPECT_EQ(conv2d(zeros({0, 3, 8, 8}), zeros({4, 3, 3, 3}), {}).shape(), (Shape{0, 4, 6, 6}));
  const auto grads = conv2d_backward_weight(zeros({0, 4, 6, 6}), zeros({0, 3, 8, 8}), {4, 3, 3, 3}, true);
  EXPECT_EQ(grads.bias.to_vector<float>(), std::vector<float>(4, 0));
  const Problem none({{0, 1, 3, 20}, {4, 1, 3, 3}, {1, 1}});
  check_method(ConvMethod::tiles, none, DType::bf16, "tiles");
}

TEST(Conv2d, RepeatsBitForBit) {
  const Tensor x = values({64, 16, 7, 7}, DType::f32, 1), w = values({32, 16, 3, 3}, DType::f32, 2);
  const ConvOptions o{1, 1};
  const Tensor dy = values({64, 32, 7, 7}, DType::f32, 3);
  const auto y = conv2d(x, w, {}, o).to_vector<float>();
  const auto dw = conv2d_backward_weight(dy, x, w.shape(), true, o).weight.to_vector<float>();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(conv2d(x, w, {}, o).to_vector<float>(), y);
    EXPECT_EQ(conv2d_backward_weight(dy, x, w.shape(), true, o).weight.to_vector<float>(), dw);
  }
}

template <class Error, class F>
void expect_error(const std::string& message, F f) {
  try {
    f();
    ADD_FAILURE() << "expected: " << message;
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), message);
  }
}

TEST(Conv2d, Errors) {
  const Tensor x = zeros({2, 3, 8, 8}), w = zeros({16, 1, 5, 5});
  expect_error<ShapeError>("conv2d: input has 3 channels, weight [16, 1, 5, 5] expects 1", [&] { conv2d(x, w, {}); });
  expect_error<ShapeError>("conv2d: expected an input [N, C, H, W], got [3, 8]", [&] { conv2d(zeros({3, 8}), w, {}); });
  expect_error<ShapeError>("conv2d: expected a bias [4], got [5]", [&] { conv2d(x, zeros({4, 3, 3, 3}), zeros({5})); });
  expect_error<ShapeError>("conv2d: a weight [4, 3, 9, 9] does not fit into an input [2, 3, 8, 8] with padding (0, 0)",
                           [&] {
                             conv2d(x, zeros({4, 3, 9, 9}), {});
                           });
  expect_error<ShapeError>("conv2d: 4 output channels cannot be split into 3 groups", [&] {
    conv2d(x, zeros({4, 1, 3, 3}), {}, {.groups = 3});
  });
  expect_error<ShapeError>("conv2d: weight [4, 0, 3, 3] is empty", [&] { conv2d(x, zeros({4, 0, 3, 3}), {}); });
  expect_error<ConfigError>("conv2d: stride (0, 0) is not allowed", [&] {
    conv2d(x, zeros({4, 3, 3, 3}), {}, {.stride = 0});
  });
  expect_error<DTypeError>("conv2d: expected f32 or bf16, got i64", [&] {
    conv2d(zeros({2, 3, 8, 8}, {.dtype = DType::i64}), zeros({4, 3, 3, 3}), {});
  });
  expect_error<ShapeError>("conv2d_backward_input: expected a gradient [2, 4, 6, 6], got [2, 4, 8, 8]", [&] {
    conv2d_backward_input(zeros({2, 4, 8, 8}), zeros({4, 3, 3, 3}), {2, 3, 8, 8});
  });
}

}  // namespace
}  // namespace gw::kernels
