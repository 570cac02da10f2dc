#include "kernels/optimizer.h"

#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

Tensor values(int64_t n, uint64_t seed) {
  Generator generator(seed);
  return randn({n}, {}, generator);
}

/// Parameters of unequal sizes, with their statistics, on the CPU and copied to the device.
struct Parameters {
  std::vector<kernels::OptimizerTensors> here, there;

  Parameters(const std::vector<int64_t>& sizes, bool average, bool squared) {
    uint64_t seed = 1;
    for (const int64_t n : sizes) {
      kernels::OptimizerTensors t{values(n, seed), values(n, seed + 1), {}, {}, static_cast<int64_t>(seed % 2)};
      if (average && n != 33) t.average = values(n, seed + 2);
      if (squared) t.average_squared = kernels::unary(kernels::Unary::abs, values(n, seed + 3));
      if (squared && !t.average.defined()) t.average = zeros({n});
      here.push_back(t);
      const auto copy = [](const Tensor& x) { return x.defined() ? x.to(kCuda) : x; };
      there.push_back({copy(t.param), copy(t.grad), copy(t.average), copy(t.average_squared), t.row});
      seed += 5;
    }
  }
  void expect_equal() const {
    for (size_t i = 0; i < here.size(); ++i) {
      expect_close(there[i].param, here[i].param, 2e-6);
      if (here[i].average.defined()) expect_close(there[i].average, here[i].average, 2e-6);
      if (here[i].average_squared.defined()) expect_close(there[i].average_squared, here[i].average_squared, 2e-6);
    }
  }
};

const std::vector<int64_t> kSizes{1, 0, 3, 4, 31, 33, 255, 4096, 4097, 9001};

class CudaOptimizer : public CudaTest {};

TEST_F(CudaOptimizer, SgdEqualsTheCpu) {
  const Tensor hypers =
      from_values<float>({0.1f, 0.9f, 0.8f, 1, 0, 0.01f, 0.99f, 0.2f, 0.5f, 1, 0.5f, 1, 0, 1}, {2, 7});
  for (const bool momentum : {false, true}) {
    const Parameters p(kSizes, momentum, false);
    kernels::sgd_step(p.here, hypers);
    kernels::sgd_step(p.there, hypers.to(kCuda));
    p.expect_equal();
  }
}

TEST_F(CudaOptimizer, AdamEqualsTheCpu) {
  const Tensor hypers = from_values<float>(
      {0.1f, 0.1f, 0.99f, 0.01f, 1.5f, 1e-5f, 0.01f, 1, 0.2f, 0.2f, 0.9f, 0.1f, 1, 1e-3f, 0, 0.9f}, {2, 8});
  const Parameters p(kSizes, true, true);
  kernels::adam_step(p.here, hypers);
  kernels::adam_step(p.there, hypers.to(kCuda));
  p.expect_equal();
}

TEST_F(CudaOptimizer, RmspropEqualsTheCpu) {
  const Tensor hypers =
      from_values<float>({0.1f, 0.99f, 0.01f, 1e-2f, 0.9f, 0.01f, 1, 0.2f, 0.9f, 0.1f, 0.1f, 0.5f, 0, 0.9f}, {2, 7});
  for (const bool momentum : {false, true}) {
    Parameters p(kSizes, momentum, true);
    if (!momentum)
      for (auto* list : {&p.here, &p.there})
        for (auto& t : *list) t.average = {};
    kernels::rmsprop_step(p.here, hypers);
    kernels::rmsprop_step(p.there, hypers.to(kCuda));
    p.expect_equal();
  }
}

TEST_F(CudaOptimizer, LambEqualsTheCpu) {
  const Tensor hypers = from_values<float>(
      {0.1f, 0.1f, 0.99f, 0.01f, 1.5f, 2, 1e-3f, 0.1f, 0.2f, 0.2f, 0.9f, 0.1f, 1, 1, 1e-2f, 0}, {2, 8});
  const Parameters p(kSizes, true, true);
  kernels::lamb_step(p.here, hypers);
  kernels::lamb_step(p.there, hypers.to(kCuda));
  p.expect_equal();
}

TEST_F(CudaOptimizer, LarsEqualsTheCpu) {
  const Tensor hypers = from_values<float>({0.1f, 0.02f, 0.9f, 1, 0.1f, 0.5f, 0.1f, 0.8f, 0.5f, 0}, {2, 5});
  Parameters p(kSizes, true, false);
  for (size_t i = 0; i < p.here.size(); ++i)
    if (!p.here[i].average.defined()) {
      p.here[i].average = zeros_like(p.here[i].param);
      p.there[i].average = zeros_like(p.there[i].param);
    }
  kernels::lars_step(p.here, hypers);
  kernels::lars_step(p.there, hypers.to(kCuda));
  p.expect_equal();
}

TEST_F(CudaOptimizer, NormsOfMoreTensorsThanOneLaunchTakes) {
  const Parameters p(std::vector<int64_t>(75, 5), true, true);
  const Tensor hypers = full({2, 8}, 0.1);
  kernels::lamb_step(p.here, hypers);
  kernels::lamb_step(p.there, hypers.to(kCuda));
  p.expect_equal();
}

TEST_F(CudaOptimizer, MoreTensorsThanOneLaunchTakes) {
  const Parameters p(std::vector<int64_t>(161, 5), true, true);
  const Tensor hypers = full({2, 8}, 0.1);
  kernels::adam_step(p.here, hypers);
  kernels::adam_step(p.there, hypers.to(kCuda));
  p.expect_equal();
}

TEST_F(CudaOptimizer, UnalignedParameters) {
  const Tensor hypers = full({1, 7}, 0.1), x = values(300, 1), g = values(299, 2), there = x.to(kCuda);
  kernels::sgd_step(std::vector<kernels::OptimizerTensors>{{x.slice(0, 1, 300), g, {}, {}, 0}}, hypers);
  kernels::sgd_step(std::vector<kernels::OptimizerTensors>{{there.slice(0, 1, 300), g.to(kCuda), {}, {}, 0}},
                    hypers.to(kCuda));
  expect_close(there, x, 1e-6);
}

}  // namespace
}  // namespace gw
