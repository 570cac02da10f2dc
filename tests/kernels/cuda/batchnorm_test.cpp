#include "kernels/batchnorm.h"

#include <cmath>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

constexpr GeneralReluOptions kLesson{.leak = 0.1f, .sub = 0.4f};
constexpr DType kFloats[] = {DType::f32, DType::bf16};

/// Few and many channels, odd ones, packs that do and do not fill a row, rows that do and do not come in multiples.
const std::vector<Shape> kShapes{{2, 1},       {257, 1},      {7, 3},       {64, 10},      {33, 31},
                                 {9, 32},      {5, 33},       {3, 255},     {5, 3, 7},     {4, 1, 6, 5},
                                 {3, 8, 9, 7}, {2, 17, 3, 3}, {8, 5, 4, 2}, {1, 64, 2, 3}, {30, 24, 8, 8}};

struct Problem {
  Tensor x, weight, bias, residual, dy, running_mean, running_var;

  Problem(const Shape& s, DType dtype) {
    Generator generator(3);
    const Shape vector{s[1]};
    x = kernels::cast(kernels::add(randn(s, {}, generator), 0.7), dtype);
    weight = kernels::add(rand(vector, {}, generator), 0.5);
    bias = randn(vector, {}, generator);
    residual = kernels::cast(randn(s, {}, generator), dtype);
    dy = kernels::cast(randn(s, {}, generator), dtype);
    running_mean = randn(vector, {}, generator);
    running_var = kernels::add(rand(vector, {}, generator), 0.5);
  }
  Problem on(Device device) const {
    Problem p = *this;
    for (Tensor* t : {&p.x, &p.weight, &p.bias, &p.residual, &p.dy, &p.running_mean, &p.running_var})
      *t = device.is_cpu() ? t->clone() : t->to(device);
    return p;
  }
};

struct Results {
  kernels::BatchNormResult forward;
  kernels::BatchNormGrads backward;
  Tensor running_mean, running_var;
};

Results run(const Problem& p, bool training, const std::optional<GeneralReluOptions>& act, bool residual) {
  Results r;
  const Tensor added = residual ? p.residual : Tensor{};
  r.forward = kernels::batch_norm_forward(p.x, p.weight, p.bias, p.running_mean, p.running_var, {.training = training},
                                          act, added);
  const kernels::BatchNormSaved saved{p.x, p.weight, p.bias, r.forward.mean, r.forward.invstd, r.forward.y};
  r.backward = kernels::batch_norm_backward(p.dy, saved, training, true, act, residual);
  r.running_mean = p.running_mean;
  r.running_var = p.running_var;
  return r;
}

/// Where the input of the activation is within rounding of 0, either slope is right: few elements may differ by more.
void expect_mostly_close(const Tensor& actual, const Tensor& expected, double rtol, double atol) {
  const std::vector<double> a = actual.to_vector<double>(), e = expected.to_vector<double>();
  ASSERT_EQ(a.size(), e.size());
  size_t differing = 0;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::fabs(a[i] - e[i]) <= atol + rtol * std::fabs(e[i]))) ++differing;
  EXPECT_LE(differing, a.size() / 500);
}

class CudaBatchNorm : public CudaTest {};

void expect_equal_to_the_cpu(const Shape& shape, DType dtype, bool with_act, bool residual) {
  SCOPED_TRACE(shape.to_string() + std::string(name_of(dtype)) + (with_act ? " act" : "") +
               (residual ? " residual" : ""));
  const Problem p(shape, dtype);
  const std::optional<GeneralReluOptions> act = with_act ? std::optional(kLesson) : std::nullopt;
  const Results cpu = run(p.on(kCpu), true, act, residual), cuda = run(p.on(kCuda), true, act, residual);
  const double rtol = dtype == DType::f32 ? 1e-4 : 1e-2, atol = dtype == DType::f32 ? 1e-4 : 1e-2;
  expect_close(cuda.forward.mean, cpu.forward.mean, 1e-5, 1e-5);
  expect_close(cuda.forward.invstd, cpu.forward.invstd, 1e-5, 1e-5);
  expect_close(cuda.running_mean, cpu.running_mean, 1e-5, 1e-5);
  expect_close(cuda.running_var, cpu.running_var, 1e-5, 1e-5);
  expect_close(cuda.forward.y, cpu.forward.y, rtol, atol);
  EXPECT_EQ(cuda.forward.y.strides(), cpu.forward.y.strides());
  expect_mostly_close(cuda.backward.dx, cpu.backward.dx, rtol, atol);
  expect_mostly_close(cuda.backward.dweight, cpu.backward.dweight, 1e-3, 1e-3);
  expect_mostly_close(cuda.backward.dbias, cpu.backward.dbias, 1e-3, 1e-3);
  if (residual) expect_mostly_close(cuda.backward.dresidual, cpu.backward.dresidual, rtol, atol);
}

TEST_F(CudaBatchNorm, EqualsTheCpu) {
  for (const Shape& shape : kShapes)
    for (const DType dtype : kFloats)
      for (const bool with_act : {false, true})
        for (const bool residual : {false, true}) expect_equal_to_the_cpu(shape, dtype, with_act, residual);
}

TEST_F(CudaBatchNorm, ManyChannelsTakeSeveralTiles) {
  expect_equal_to_the_cpu({3, 2048}, DType::bf16, true, false);
  expect_equal_to_the_cpu({2, 1030}, DType::f32, true, true);
}

TEST_F(CudaBatchNorm, InferenceEqualsTheCpu) {
  for (const Shape& shape : {Shape{33, 10}, Shape{3, 8, 9, 7}, Shape{1, 5, 2, 2}}) {
    const Problem p(shape, DType::f32);
    const Results cpu = run(p.on(kCpu), false, kLesson, false), cuda = run(p.on(kCuda), false, kLesson, false);
    expect_close(cuda.forward.y, cpu.forward.y, 1e-5, 1e-5);
    expect_close(cuda.backward.dx, cpu.backward.dx, 1e-4, 1e-5);
    expect_close(cuda.running_mean, p.running_mean, 0, 0);
  }
}

TEST_F(CudaBatchNorm, WeightBiasAndRunningStatisticsMayBeLeftOut) {
  const Problem p(Shape{6, 16, 3, 3}, DType::f32), there = p.on(kCuda);
  const auto forward = [](const Problem& q) {
    return kernels::batch_norm_forward(q.x, {}, {}, {}, {}, {.training = true}, kLesson);
  };
  const kernels::BatchNormResult cpu = forward(p), cuda = forward(there);
  expect_close(cuda.y, cpu.y, 1e-5, 1e-5);
  const auto backward = [](const Problem& q, const kernels::BatchNormResult& r) {
    return kernels::batch_norm_backward(q.dy, {q.x, {}, {}, r.mean, r.invstd, r.y}, true, true, kLesson, false);
  };
  expect_mostly_close(backward(there, cuda).dx, backward(p, cpu).dx, 1e-4, 1e-4);
}

TEST_F(CudaBatchNorm, LargeMeansKeepTheirDigits) {
  Generator generator(5);
  const Tensor x = kernels::add(randn({600, 12}, {}, generator), 3000.0);
  const kernels::BatchNormResult r = kernels::batch_norm_forward(x.to(kCuda), {}, {}, {}, {}, {});
  const std::vector<double> values = x.to_vector<double>(), invstd = r.invstd.to_vector<double>();
  for (size_t c = 0; c < 12; ++c) {
    double mean = 0, variance = 0;
    for (size_t i = c; i < values.size(); i += 12) mean += values[i] / 600;
    for (size_t i = c; i < values.size(); i += 12) variance += std::pow(values[i] - mean, 2) / 600;
    EXPECT_NEAR(invstd[c], 1 / std::sqrt(variance + 1e-5), 1e-5);
  }
}

TEST_F(CudaBatchNorm, ReadsOtherLayoutsAndViews) {
  const Problem p(Shape{4, 6, 5, 3}, DType::f32);
  const Tensor last = p.x.contiguous(MemoryFormat::channels_last);
  const kernels::BatchNormResult expected = kernels::batch_norm_forward(p.x, p.weight, p.bias, {}, {}, {});
  for (const Tensor& x : {p.x.to(kCuda), last.to(kCuda)}) {
    const auto y = kernels::batch_norm_forward(x, p.weight.to(kCuda), p.bias.to(kCuda), {}, {}, {}).y;
    expect_close(y, expected.y, 1e-5, 1e-5);
  }
  // Every second channel's statistics, which do not lie side by side; an input that starts between two packs.
  const Tensor running = full({12}, 2, {.device = kCuda}), mean = running.slice(0, 0, 12, 2);
  const Tensor var = full({12}, 3, {.device = kCuda}).slice(0, 1, 12, 2);
  const Tensor rows = randn({41}).to(kCuda).slice(0, 5, 41).view({6, 6});
  kernels::batch_norm_forward(rows, {}, {}, mean, var, {.momentum = 1});
  expect_close(mean, rows.to(kCpu).mean({0}), 1e-5, 1e-5);
  expect_close(running.slice(0, 1, 12, 2), std::vector<double>(6, 2));
}

}  // namespace
}  // namespace gw
