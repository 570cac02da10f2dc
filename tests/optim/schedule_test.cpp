#include "optim/schedule.h"

#include <gtest/gtest.h>

#include "golden_settings.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"

namespace gw {
namespace {

using nlohmann::json;

OneCycle one_cycle_of(const json& a) {
  OneCycle s{.max_lr = a["max_lr"],
             .total_steps = a.contains("total_steps")
                                ? a["total_steps"].get<int64_t>()
                                : a["epochs"].get<int64_t>() * a["steps_per_epoch"].get<int64_t>()};
  s.pct_start = a.value("pct_start", s.pct_start);
  s.strategy = a.value("anneal_strategy", "cos") == "cos" ? Anneal::cosine : Anneal::linear;
  s.cycle_momentum = a.value("cycle_momentum", true);
  s.base_momentum = a.value("base_momentum", s.base_momentum);
  s.max_momentum = a.value("max_momentum", s.max_momentum);
  s.div_factor = a.value("div_factor", s.div_factor);
  s.final_div_factor = a.value("final_div_factor", s.final_div_factor);
  return s;
}

Schedule schedule_of(const std::string& name, const json& a, double lr) {
  if (name == "OneCycleLR") return one_cycle_of(a);
  if (name == "CosineAnnealingLR") return CosineAnnealing{lr, a["T_max"], a.value("eta_min", 0.0)};
  if (name == "CosineAnnealingWarmRestarts")
    return CosineAnnealingWarmRestarts{lr, a["T_0"], a.value("T_mult", 1), a.value("eta_min", 0.0)};
  if (name == "ExponentialLR") return Exponential{lr, a["gamma"]};
  throw ConfigError("no schedule " + name);
}

// PyTorch computes most schedules from one step to the next, which rounds differently from a formula of the step.
void expect_close(double actual, const json& expected, double scale) {
  EXPECT_NEAR(actual, std::stod(expected.get<std::string>()), 1e-14 * scale);
}

TEST(Schedule, EqualPyTorchStepByStep) {
  const auto paths = test::golden_files("schedules");
  ASSERT_GE(paths.size(), 15u);
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    const SafetensorsFile file = load_safetensors(path);
    const json args = test::json_of(file, "args"), rates = test::json_of(file, "lr");
    const double lr = test::json_of(file, "optimizer")["lr"];
    const Schedule schedule = schedule_of(file.metadata.at("scheduler"), args, lr);
    const bool momentum = file.metadata.contains("momentum");
    for (size_t i = 0; i < rates.size(); ++i) {
      const Hypers hypers = schedule(static_cast<int64_t>(i));
      expect_close(hypers.at("lr"), rates[i], args.value("max_lr", lr));
      EXPECT_EQ(hypers.contains("momentum"), momentum);
      if (momentum) expect_close(hypers.at("momentum"), test::json_of(file, "momentum")[i], 1);
    }
  }
}

TEST(Schedule, OneCycleTurnsAtItsPeak) {
  const OneCycle s{.max_lr = 0.1, .total_steps = 10};
  EXPECT_DOUBLE_EQ(s.lr(0), 0.004);
  EXPECT_DOUBLE_EQ(s.lr(2), 0.1);
  EXPECT_DOUBLE_EQ(s.lr(9), 4e-7);
  EXPECT_DOUBLE_EQ(s.momentum(0), 0.95);
  EXPECT_DOUBLE_EQ(s.momentum(2), 0.85);
  EXPECT_DOUBLE_EQ(s.momentum(9), 0.95);
}

TEST(Schedule, OneCycleKnowsItsLength) {
  const OneCycle s{.max_lr = 0.1, .total_steps = 10};
  EXPECT_THROW(s(10), ConfigError);
  EXPECT_THROW(s(-1), ConfigError);
  EXPECT_THROW((OneCycle{.max_lr = 0.1, .total_steps = 0})(0), ConfigError);
}

TEST(Schedule, OneCycleOfAFewStepsIsFinite) {
  for (int64_t steps = 1; steps < 6; ++steps)
    for (int64_t i = 0; i < steps; ++i) {
      const double lr = OneCycle{.max_lr = 0.1, .total_steps = steps}.lr(i);
      EXPECT_TRUE(lr > 0 && lr <= 0.1) << steps << " steps, step " << i << ": " << lr;
    }
}

TEST(Schedule, MomentumIsBeta1ForAdam) {
  const Schedule schedule = OneCycle{.max_lr = 0.1, .total_steps = 10};
  Optimizer adam_optimizer = adamw({zeros({2})});
  apply_schedule(schedule, 2, adam_optimizer);
  EXPECT_DOUBLE_EQ(adam_optimizer.hyper("lr"), 0.1);
  EXPECT_DOUBLE_EQ(adam_optimizer.hyper("beta1"), 0.85);
  Optimizer sgd_optimizer = sgd({zeros({2})}, {.momentum = 0.9});
  apply_schedule(schedule, 2, sgd_optimizer);
  EXPECT_DOUBLE_EQ(sgd_optimizer.hyper("momentum"), 0.85);
  Optimizer plain = sgd({zeros({2})});
  apply_schedule(schedule, 2, plain);
  EXPECT_DOUBLE_EQ(plain.hyper("lr"), 0.1);
}

TEST(Schedule, TheLastStepOfEachCycleIsKnown) {
  const CosineAnnealingWarmRestarts doubling{.base_lr = 1, .t_0 = 1, .t_mult = 2}, even{.base_lr = 1, .t_0 = 3};
  std::vector<int64_t> ends, even_ends;
  for (int64_t step = 0; step < 16; ++step) {
    if (doubling.ends_cycle(step)) ends.push_back(step);
    if (even.ends_cycle(step)) even_ends.push_back(step);
    // After a cycle's end the rate is the highest again.
    EXPECT_EQ(doubling.ends_cycle(step), doubling.lr(step + 1) == 1);
  }
  EXPECT_EQ(ends, (std::vector<int64_t>{0, 2, 6, 14}));
  EXPECT_EQ(even_ends, (std::vector<int64_t>{2, 5, 8, 11, 14}));
}

}  // namespace
}  // namespace gw
