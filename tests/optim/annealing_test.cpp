#include "optim/annealing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(Annealing, GoesFromStartToEnd) {
  for (const Annealing& f : {sched_lin(1, 3), sched_cos(1, 3), sched_exp(1, 3), sched_poly(1, 3, 2)}) {
    EXPECT_DOUBLE_EQ(f(0), 1);
    EXPECT_DOUBLE_EQ(f(1), 3);
  }
  EXPECT_DOUBLE_EQ(sched_lin(1, 3)(0.25), 1.5);
  EXPECT_DOUBLE_EQ(sched_cos(1, 3)(0.5), 2);
  EXPECT_DOUBLE_EQ(sched_cos(1, 3)(0.25), 1 + (1 - std::sqrt(0.5)));
  EXPECT_DOUBLE_EQ(sched_no(1)(0.7), 1);
  EXPECT_DOUBLE_EQ(sched_exp(1, 16)(0.25), 2);
  EXPECT_DOUBLE_EQ(sched_poly(1, 3, 2)(0.5), 1.5);
}

TEST(Annealing, CombinesParts) {
  const Annealing f = combine_scheds({0.3, 0.7}, {sched_cos(0.3, 0.6), sched_cos(0.6, 0.2)});
  EXPECT_DOUBLE_EQ(f(0), 0.3);
  EXPECT_NEAR(f(0.15), 0.45, 1e-12);
  EXPECT_NEAR(f(0.3), 0.6, 1e-12);
  EXPECT_NEAR(f(0.65), 0.4, 1e-12);
  EXPECT_NEAR(f(1), 0.2, 1e-12);
  const Annealing steps = combine_scheds({0.25, 0, 0.75}, {sched_no(1), sched_no(2), sched_no(3)});
  EXPECT_EQ(steps(0.24), 1);
  EXPECT_EQ(steps(0.25), 3);
  EXPECT_EQ(steps(1), 3);
}

TEST(Annealing, ErrorsAreClear) {
  EXPECT_EQ(message_of<ConfigError>([] {
              combine_scheds({0.3, 0.6}, {sched_no(1), sched_no(2)});
            }),
            "combine_scheds: expected a part for each of 2 annealings, 1 together, got 0.3, 0.6");
  EXPECT_THROW(combine_scheds({1}, {}), ConfigError);
  EXPECT_THROW(combine_scheds({}, {}), ConfigError);
  EXPECT_THROW(combine_scheds({1.5, -0.5}, {sched_no(1), sched_no(2)}), ConfigError);
  EXPECT_THROW(sched_exp(0, 1), ConfigError);
  EXPECT_THROW(sched_poly(0, 1, 0), ConfigError);
}

}  // namespace
}  // namespace gw
