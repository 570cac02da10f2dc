// Optimizers against PyTorch's, after 1, 10 and 100 steps on given gradients: tests/golden/optim.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "optim/optimizers.h"
#include "tests/cuda_device.h"
#include "tests/golden/golden_files.h"

namespace gw {
namespace {

using nlohmann::json;

Optimizer make_optimizer(const std::string& name, const json& args, std::vector<Tensor> params, bool fused) {
  const double lr = args.at("lr");
  if (name == "SGD")
    return sgd(std::move(params), {.lr = lr,
                                   .momentum = args.value("momentum", 0.0),
                                   .dampening = args.value("dampening", 0.0),
                                   .weight_decay = args.value("weight_decay", 0.0),
                                   .nesterov = args.value("nesterov", false),
                                   .fused = fused});
  if (name == "RMSprop")
    return rmsprop(std::move(params), {.lr = lr,
                                       .alpha = args.value("alpha", 0.99),
                                       .eps = args.value("eps", 1e-8),
                                       .weight_decay = args.value("weight_decay", 0.0),
                                       .momentum = args.value("momentum", 0.0),
                                       .centred = args.value("centered", false),
                                       .fused = fused});
  const std::vector<double> betas = args.value("betas", std::vector<double>{0.9, 0.999});
  AdamOptions options{.lr = lr, .beta1 = betas[0], .beta2 = betas[1], .eps = args.value("eps", 1e-8), .fused = fused};
  if (args.contains("weight_decay")) options.weight_decay = args.at("weight_decay").get<double>();
  return name == "Adam" ? adam(std::move(params), options) : adamw(std::move(params), options);
}

void run(const std::string& file_name, bool fused, Device device = kCpu) {
  const SafetensorsFile file = load_golden("optim", file_name);
  std::vector<Tensor> params;
  for (const auto& [name, value] : golden_group(file, "param"))
    params.push_back(value.clone().to(device).set_requires_grad());
  Optimizer optimizer = make_optimizer(file.metadata.at("optimizer"), golden_json(file, "args"), params, fused);

  ASSERT_FALSE(params.empty());
  size_t compared = 0;
  for (int64_t step = 0; step < 100; ++step) {
    if (file.contains("lr")) {
      optimizer.set_hyper("lr", file.at("lr").select(0, step).item());
      optimizer.set_hyper("beta1", file.at("beta1").select(0, step).item());
    }
    for (size_t i = 0; i < params.size(); ++i)
      params[i].set_grad(file.at("grad." + std::to_string(i)).select(0, step).clone().to(device));
    optimizer.step();
    for (size_t i = 0; i < params.size(); ++i) {
      const std::string after = "after_" + std::to_string(step + 1) + "." + std::to_string(i);
      SCOPED_TRACE(after);
      if (!file.contains(after)) continue;
      expect_close(params[i].detach().to(kCpu), file.at(after), 2e-6, 2e-6);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 3 * params.size()) << "expected values after 1, 10 and 100 steps";
}

class GoldenOptimizers : public testing::TestWithParam<std::string> {};

TEST_P(GoldenOptimizers, FusedStepsEqualPyTorchs) { run(GetParam(), /*fused=*/true); }
TEST_P(GoldenOptimizers, ComposedStepsEqualPyTorchs) { run(GetParam(), /*fused=*/false); }

TEST_P(GoldenOptimizers, FusedStepsOnTheGpuEqualPyTorchs) {
  if (cuda::device_count() == 0) GTEST_SKIP() << "needs a CUDA device";
  run(GetParam(), /*fused=*/true, kCuda);
}

INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenOptimizers, testing::ValuesIn(golden_names("optim")), golden_test_name);

}  // namespace
}  // namespace gw
