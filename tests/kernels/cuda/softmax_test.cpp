#include "kernels/softmax.h"

#include <cmath>

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

Tensor values(const Shape& shape, DType dtype, uint64_t seed = 1) {
  Generator generator(seed);
  return kernels::mul(randn(shape, {}, generator), 3).to(dtype);
}

class CudaSoftmax : public CudaTest {};

/// Checks gradients against sums in double precision: dx = y (dy - sum(dy y)), or of the logarithm
/// dx = dy - e^log_y sum(dy). Both cancel, so what f32 may err by is measured on the terms of the sum, not on dx.
void expect_exact_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, int64_t dim, bool logarithm) {
  const int64_t lines = y.numel() / y.size(dim), n = y.size(dim);
  const auto values_of = [&](const Tensor& t) {
    return t.to(kCpu).transpose(dim, -1).contiguous().to_vector<float>();
  };
  const std::vector<float> dx_values = values_of(dx), dy_values = values_of(dy), y_values = values_of(y);
  for (int64_t line = 0; line < lines; ++line) {
    const float *g = &dy_values[line * n], *out = &y_values[line * n];
    double sum = 0, magnitude = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double term = logarithm ? g[i] : double{g[i]} * out[i];
      sum += term;
      magnitude += std::abs(term);
    }
    for (int64_t i = 0; i < n; ++i) {
      const double probability = logarithm ? std::exp(double{out[i]}) : out[i];
      const double exact = logarithm ? g[i] - probability * sum : probability * (g[i] - sum);
      ASSERT_NEAR(dx_values[line * n + i], exact, 2e-6 * std::abs(exact) + 1e-6 * probability * magnitude)
          << "line " << line << ", element " << i << (logarithm ? " of log_softmax" : " of softmax");
    }
  }
}

void expect_equal_softmax(const Tensor& x, int64_t dim) {
  const bool f32 = x.dtype() == DType::f32;
  const double tolerance = f32 ? 2e-6 : 1.6e-2;
  const Tensor there = x.to(kCuda), dy = values(x.shape(), x.dtype(), 2), dy_there = dy.to(kCuda);
  const Tensor y = kernels::softmax(x, dim), log_y = kernels::log_softmax(x, dim);
  expect_close(kernels::softmax(there, dim), y, 4 * tolerance, 1e-7);
  expect_close(kernels::log_softmax(there, dim), log_y, tolerance, tolerance);
  const Tensor dx = kernels::softmax_backward(dy, y, dim), log_dx = kernels::log_softmax_backward(dy, log_y, dim);
  const Tensor dx_there = kernels::softmax_backward(dy_there, y.to(kCuda), dim);
  const Tensor log_dx_there = kernels::log_softmax_backward(dy_there, log_y.to(kCuda), dim);
  if (f32) {
    for (const Tensor& gradient : {dx, dx_there}) expect_exact_backward(gradient, dy, y, dim, false);
    for (const Tensor& gradient : {log_dx, log_dx_there}) expect_exact_backward(gradient, dy, log_y, dim, true);
  } else {
    expect_close(dx_there, dx, tolerance, 2e-2);
    expect_close(log_dx_there, log_dx, tolerance, 2e-2);
  }
  const Tensor sums = kernels::logsumexp(x, dim);
  expect_close(kernels::logsumexp(there, dim), sums, tolerance, tolerance);
  const Tensor g = values(sums.shape(), x.dtype(), 3);
  expect_close(kernels::logsumexp_backward(g.to(kCuda), there, sums.to(kCuda), dim),
               kernels::logsumexp_backward(g, x, sums, dim), 4 * tolerance, 1e-6);
}

TEST_F(CudaSoftmax, LinesOfAnyLength) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const int64_t n : {1, 2, 10, 31, 32, 33, 64, 255, 257, 1000}) expect_equal_softmax(values({37, n}, dtype), 1);
    for (const int64_t n : {1025, 4096}) expect_equal_softmax(values({2, n}, dtype), 1);
  }
  expect_equal_softmax(values({2, 16384}, DType::f32), 1);
}

TEST_F(CudaSoftmax, LinesSideBySide) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    expect_equal_softmax(values({3, 10, 33}, dtype), 1);
    expect_equal_softmax(values({257, 3}, dtype), 0);
    expect_equal_softmax(values({2, 7, 5, 6}, dtype).contiguous(MemoryFormat::channels_last), 1);
    expect_equal_softmax(values({2, 7, 5, 6}, dtype).contiguous(MemoryFormat::channels_last), 2);
  }
}

TEST_F(CudaSoftmax, InfinitiesAndNan) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x =
      from_values<float>({-inf, -inf, -inf, -inf, 1, 2, inf, 1, 2, inf, nan, 1, nan, 1, 2, -inf, nan, -inf}, {6, 3});
  const Tensor there = x.to(kCuda);
  expect_close(kernels::logsumexp(there, 1), kernels::logsumexp(x, 1));
  expect_close(kernels::softmax(there, 1), kernels::softmax(x, 1));
  const Tensor sums = kernels::logsumexp(x, 1);
  expect_close(kernels::logsumexp_backward(ones({6, 1}).to(kCuda), there, sums.to(kCuda), 1),
               kernels::logsumexp_backward(ones({6, 1}), x, sums, 1));
}

TEST_F(CudaSoftmax, EmptyTensors) {
  EXPECT_EQ(kernels::softmax(empty({0, 10}, {.device = kCuda}), 1).shape(), (Shape{0, 10}));
  expect_close(kernels::logsumexp(empty({2, 0}, {.device = kCuda}), 1), kernels::logsumexp(empty({2, 0}), 1));
}

}  // namespace
}  // namespace gw
