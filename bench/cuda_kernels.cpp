// Times kernels on a CUDA device: one line of JSON for each, with the bytes that it has to move. cuda_kernels.py runs
// it and sets PyTorch's times beside.
//
//   cuda_kernels [--scale S]      sizes are divided by S (for a quick look, or the emulator)
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "kernels/activation.h"
#include "kernels/batchnorm.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/losses.h"
#include "kernels/optimizer.h"
#include "kernels/pool.h"
#include "kernels/reduce.h"
#include "kernels/softmax.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "tensor/cuda.h"

namespace {

using namespace gw;
using Clock = std::chrono::steady_clock;

constexpr Device kDevice{DeviceType::cuda, 0};

/// Seconds of one call: the median of several rounds of enough calls to hide the wait at the end.
double seconds_of(const std::function<void()>& f) {
  constexpr int kRounds = 7, kCalls = 20;
  f();
  cuda::synchronize(kDevice);
  std::vector<double> rounds;
  for (int r = 0; r < kRounds; ++r) {
    const auto start = Clock::now();
    for (int i = 0; i < kCalls; ++i) f();
    cuda::synchronize(kDevice);
    rounds.push_back(std::chrono::duration<double>(Clock::now() - start).count() / kCalls);
  }
  std::nth_element(rounds.begin(), rounds.begin() + kRounds / 2, rounds.end());
  return rounds[kRounds / 2];
}

void report(const std::string& op, const Tensor& x, double bytes, const std::function<void()>& f) {
  fmt::print("{{\"op\": \"{}\", \"dtype\": \"{}\", \"shape\": {}, \"bytes\": {:.0f}, \"seconds\": {:.9f}}}\n", op,
             name_of(x.dtype()), x.shape().to_string(), bytes, seconds_of(f));
  std::fflush(stdout);
}

/// The kernels of an activation [N, C, H, W]; `size` is the bytes of one such tensor.
void activations(const Shape& shape, DType dtype) {
  const Tensor x = randn(shape).to(kDevice).to(dtype).contiguous(MemoryFormat::channels_last), y = kernels::mul(x, 0.5);
  const double size = static_cast<double>(x.numel() * size_of(dtype));
  const GeneralReluOptions relu{.leak = 0.1, .sub = 0.4};
  report("copy", x, 2 * size, [&] { x.clone(); });
  report("add", x, 3 * size, [&] { kernels::add(x, y); });
  report("exp", x, 2 * size, [&] { kernels::unary(kernels::Unary::exp, x); });
  report("tanh", x, 2 * size, [&] { kernels::unary(kernels::Unary::tanh, x); });
  report("to_contiguous", x, 2 * size, [&] { kernels::contiguous(x); });
  report("sum", x, size, [&] { kernels::sum(x, {}, false); });
  report("sum_per_channel", x, size, [&] { kernels::sum(x, {0, 2, 3}, false); });
  report("general_relu", x, 2 * size, [&] { kernels::general_relu(x, relu); });
  report("add_general_relu", x, 3 * size, [&] { kernels::add_general_relu(x, y, relu); });
  report("dropout", x, 2 * size, [&] { kernels::dropout(x, 0.3, {1, 0}); });

  const Tensor ones_c = ones({shape[1]}, {.device = kDevice}), zeros_c = zeros({shape[1]}, {.device = kDevice});
  const Tensor running_mean = zeros_c.clone(), running_var = ones_c.clone();
  const auto forward = [&](const Tensor& residual) {
    return kernels::batch_norm_forward(x, ones_c, zeros_c, running_mean, running_var, {.training = true}, relu,
                                       residual);
  };
  report("batch_norm_relu", x, 3 * size, [&] { forward({}); });
  report("batch_norm_add_relu", x, 4 * size, [&] { forward(y); });
  const auto result = forward({});
  report("batch_norm_relu_backward", x, 5 * size, [&] {
    kernels::batch_norm_backward(y, {x, ones_c, zeros_c, result.mean, result.invstd, {}}, true, true, relu, false);
  });
  const AvgPoolOptions average{.kernel = 2, .stride = 2};
  const Tensor pooled = kernels::avg_pool2d(x, average);
  report("avg_pool", x, 1.25 * size, [&] { kernels::avg_pool2d(x, average); });
  report("avg_pool_backward", x, 1.25 * size, [&] { kernels::avg_pool2d_backward(pooled, x.shape(), average); });
}

void losses(int64_t rows, int64_t classes) {
  const Tensor x = randn({rows, classes}).to(kDevice), targets = randint(0, classes, {rows}).to(kDevice);
  const double size = static_cast<double>(x.numel() * 4);
  report("softmax", x, 2 * size, [&] { kernels::softmax(x, 1); });
  report("cross_entropy", x, size, [&] { kernels::cross_entropy(x, targets, {}); });
}

/// An AdamW step on as many parameters in tensors of very unequal size.
void optimizer(int64_t elements) {
  std::vector<Tensor> params;
  for (const int64_t part : {2, 4, 8, 16, 32, 64})
    for (int i = 0; i < 8; ++i) {
      Tensor p = randn({elements / part / 8}).to(kDevice);
      p.set_requires_grad();
      p.set_grad(ones_like(p));
      params.push_back(p);
    }
  Optimizer adam = adamw(params, {.lr = 1e-3});
  double count = 0;
  for (const Tensor& p : params) count += static_cast<double>(p.numel());
  report("adamw", params.front(), 28 * count, [&] { adam.step(); });
}

}  // namespace

int main(int argc, char** argv) {
  int64_t scale = 1;
  CLI::App app("Times kernels on a CUDA device");
  app.add_option("--scale", scale)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    const NoGrad no_grad;
    for (const DType dtype : {DType::f32, DType::bf16})
      for (const Shape& shape : {Shape{4096 / scale, 32, 28, 28}, Shape{4096 / scale, 256, 14, 14}})
        activations(shape, dtype);
    losses(4'194'304 / scale, 10);
    losses(65'536 / scale, 1000);
    optimizer(64'000'000 / scale);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cuda_kernels: {}\n", error.what());
    return 1;
  }
}
