// Optimizers that the library does not have, as a user would write them: a stat or a stepper of a few lines each.
#include <gtest/gtest.h>

#include <cmath>

#include "groundwork.h"

namespace gw {
namespace {

/// Lookahead (Zhang et al., 2019) around any optimizer: every k steps, the slow weights go a part of the way to the
/// fast ones, which start again from there.
Optimizer lookahead(std::vector<Tensor> params, std::vector<Stat> stats, std::vector<Stepper> steppers, Hypers hypers) {
  stats.insert(stats.begin(), {{}, [](ParamState& state, const Tensor& param, const Tensor&, const Hypers&) {
                                 if (state.numbers["lookahead_step"]++ == 0) state.tensors["slow"] = param.clone();
                               }});
  steppers.push_back({{{"alpha", 0.5}, {"k", 6}}, [](Tensor& param, Tensor&, const ParamState& state, const Hypers& h) {
                        if (std::fmod(state.numbers.at("lookahead_step"), h.at("k")) != 0) return;
                        Tensor slow = state.tensors.at("slow");
                        param.copy_(slow.add_(param - slow, h.at("alpha")));
                      }});
  return Optimizer(std::move(params), std::move(stats), std::move(steppers), hypers);
}

/// The nearest matrix to x, up to a factor, whose singular values are all about 1: five Newton-Schulz iterations.
Tensor orthogonalise(const Tensor& x) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  if (x.size(0) > x.size(1)) return orthogonalise(x.t()).t();
  Tensor y = x / ((x * x).sum().sqrt() + 1e-7);
  for (int i = 0; i < 5; ++i) {
    const Tensor square = y.matmul(y.t());
    y = y * a + (square * b + square.matmul(square) * c).matmul(y);
  }
  return y;
}

/// Muon (Jordan et al., 2024): Nesterov's momentum, orthogonalised, for matrices.
Optimizer muon(std::vector<Tensor> params, const Hypers& hypers) {
  const Stepper step{
      {{"lr", 0.02}, {"momentum", 0.95}}, [](Tensor& param, Tensor& grad, const ParamState& state, const Hypers& h) {
        const Tensor direction = grad + state.tensors.at("momentum_buffer") * h.at("momentum");
        const auto rows = static_cast<double>(param.size(0)), columns = static_cast<double>(param.size(1));
        param.add_(orthogonalise(direction), -h.at("lr") * std::sqrt(std::max(1.0, rows / columns)));
      }};
  return Optimizer(std::move(params), {average_grad()}, {weight_decay(), step}, hypers);
}

TEST(UserOptimizers, LookaheadGoesHalfwayEverySixthStep) {
  Tensor w = tensor({1}, {.requires_grad = true});
  Optimizer optimizer = lookahead({w}, {}, {sgd_step()}, {{"lr", 0.1}});
  double slow = 1, fast = 1;
  for (int step = 1; step <= 20; ++step) {
    w.set_grad(tensor({static_cast<float>(step)}));
    optimizer.step();
    fast -= 0.1 * step;
    if (step % 6 == 0) fast = slow += 0.5 * (fast - slow);
    EXPECT_NEAR(w.item(), fast, 1e-5) << step;
  }
}

TEST(UserOptimizers, NewtonSchulzBringsSingularValuesNearOne) {
  Generator g(1);
  for (const Shape& shape : {Shape{5, 12}, Shape{12, 5}, Shape{7, 7}}) {
    const Tensor y = orthogonalise(randn(shape, {}, g));
    EXPECT_EQ(y.shape(), shape);
    // The squares of the singular values add up to the squares of the elements.
    const auto rank = static_cast<double>(std::min(shape[0], shape[1]));
    const double mean_square = (y * y).sum().item() / rank;
    EXPECT_GT(mean_square, 0.5 * 0.5);
    EXPECT_LT(mean_square, 1.3 * 1.3);
  }
}

TEST(UserOptimizers, MuonFitsALinearMap) {
  Generator g(2);
  const Tensor x = randn({128, 6}, {}, g), map = randn({6, 4}, {}, g), y = x.matmul(map);
  Tensor w = zeros({6, 4}, {.requires_grad = true});
  Optimizer optimizer = muon({w}, {{"lr", 0.05}});
  for (int step = 0; step < 300; ++step) {
    optimizer.set_hyper("lr", 0.05 * (1 - step / 300.0));
    mse_loss(x.matmul(w), y).backward();
    optimizer.step();
    optimizer.zero_grad();
  }
  EXPECT_LT(mse_loss(x.matmul(w), y).item(), 1e-3);
}

}  // namespace
}  // namespace gw
