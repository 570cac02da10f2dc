// Schedules against PyTorch's, step by step: tests/golden/schedules.
#include <gtest/gtest.h>

#include <string>

#include "optim/schedule.h"
#include "tests/golden/golden_files.h"

namespace gw {
namespace {

using nlohmann::json;

OneCycle one_cycle(const json& args) {
  const int64_t epochs = args.value("epochs", int64_t{0});
  OneCycle schedule{.max_lr = args.at("max_lr"),
                    .total_steps = args.value("total_steps", epochs * args.value("steps_per_epoch", int64_t{0}))};
  schedule.pct_start = args.value("pct_start", schedule.pct_start);
  schedule.strategy = args.value("anneal_strategy", "cos") == "cos" ? Anneal::cosine : Anneal::linear;
  schedule.cycle_momentum = args.value("cycle_momentum", schedule.cycle_momentum);
  schedule.base_momentum = args.value("base_momentum", schedule.base_momentum);
  schedule.max_momentum = args.value("max_momentum", schedule.max_momentum);
  schedule.div_factor = args.value("div_factor", schedule.div_factor);
  schedule.final_div_factor = args.value("final_div_factor", schedule.final_div_factor);
  return schedule;
}

Schedule make_schedule(const std::string& name, const json& args, double base_lr) {
  if (name == "OneCycleLR") return one_cycle(args);
  if (name == "CosineAnnealingLR")
    return CosineAnnealing{.base_lr = base_lr, .t_max = args.at("T_max"), .eta_min = args.value("eta_min", 0.0)};
  if (name == "CosineAnnealingWarmRestarts")
    return CosineAnnealingWarmRestarts{.base_lr = base_lr,
                                       .t_0 = args.at("T_0"),
                                       .t_mult = args.value("T_mult", int64_t{1}),
                                       .eta_min = args.value("eta_min", 0.0)};
  if (name == "ExponentialLR") return Exponential{.base_lr = base_lr, .gamma = args.at("gamma")};
  throw ConfigError("no schedule " + name);
}

class GoldenSchedules : public testing::TestWithParam<std::string> {};

TEST_P(GoldenSchedules, EqualPyTorchsAtEveryStep) {
  const SafetensorsFile file = load_golden("schedules", GetParam());
  const double base_lr = golden_json(file, "optimizer").at("lr");
  const Schedule schedule = make_schedule(file.metadata.at("scheduler"), golden_json(file, "args"), base_lr);
  // PyTorch computes some of these step from step, so that their rounding errors add up.
  constexpr double tolerance = 1e-13;
  for (const std::string name : {"lr", "momentum"}) {
    if (!file.metadata.contains(name)) {
      EXPECT_FALSE(schedule(0).contains(name)) << "PyTorch's does not touch the " << name;
      continue;
    }
    const json expected = golden_json(file, name);
    for (size_t step = 0; step < expected.size(); ++step)
      EXPECT_NEAR(schedule(static_cast<int64_t>(step)).at(name), std::stod(expected[step].get<std::string>()),
                  tolerance)
          << name << " of step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenSchedules, testing::ValuesIn(golden_names("schedules")), golden_test_name);

}  // namespace
}  // namespace gw
