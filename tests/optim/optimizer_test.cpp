#include "optim/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "kernels/optimizer.h"
#include "optim/optimizers.h"
#include "optim/stats.h"
#include "optim/steppers.h"
#include "tensor/creation.h"

namespace gw {
namespace {

/// The largest difference, relative to the largest element.
double relative_error(const Tensor& actual, const Tensor& expected) {
  const auto a = actual.to_vector<double>(), e = expected.to_vector<double>();
  double error = 0, scale = 1e-30;
  for (size_t i = 0; i < a.size(); ++i) {
    error = std::max(error, std::abs(a[i] - e[i]));
    scale = std::max(scale, std::abs(e[i]));
  }
  return error / scale;
}

Tensor param(std::vector<float> values) { return tensor(values, {.requires_grad = true}); }
Tensor param(const Shape& shape, Generator& g) { return randn(shape, {.requires_grad = true}, g); }

// --- the fused path equals the composed one

using MakeOptimizer = std::function<Optimizer(std::vector<Tensor>, bool fused)>;

/// Takes 100 steps on parameters of many layouts and sizes with both paths, some without gradients now and then.
void check_fused_equals_composed(const MakeOptimizer& make) {
  std::vector<Tensor> params[2];
  for (auto& p : params) {
    Generator g(1);
    p = {param({3, 4}, g),
         param({1}, g),
         param({}, g),
         param({0, 3}, g),
         param({40000}, g),
         param({5, 7}, g).detach().t().set_requires_grad(),
         param({4, 3, 2, 5}, g).detach().contiguous(MemoryFormat::channels_last).set_requires_grad()};
  }
  Optimizer fused = make(params[0], true), composed = make(params[1], false);
  ASSERT_TRUE(fused.is_fused());
  ASSERT_FALSE(composed.is_fused());
  Generator g(2);
  for (int step = 0; step < 100; ++step) {
    for (size_t i = 0; i < params[0].size(); ++i) {
      const bool skipped = i == 1 && step % 3 == 0;
      const Tensor grad = randn(params[0][i].shape(), {}, g);
      // The gradient of a channels-last parameter comes contiguous here, as a user may set it.
      params[0][i].set_grad(skipped ? Tensor() : grad);
      params[1][i].set_grad(skipped ? Tensor() : grad);
    }
    fused.set_hyper("lr", 0.01 + 0.001 * step);
    composed.set_hyper("lr", 0.01 + 0.001 * step);
    fused.step();
    composed.step();
  }
  for (size_t i = 0; i < params[0].size(); ++i) {
    EXPECT_LT(relative_error(params[0][i], params[1][i]), 2e-6) << "parameter " << i;
    EXPECT_EQ(params[0][i].strides(), params[1][i].strides());
  }
  const OptimizerState a = fused.state(), b = composed.state();
  EXPECT_EQ(a.numbers, b.numbers);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].first, b.tensors[i].first);
    EXPECT_LT(relative_error(a.tensors[i].second, b.tensors[i].second), 2e-6) << a.tensors[i].first;
  }
}

TEST(Optimizer, FusedSgdEqualsComposed) {
  check_fused_equals_composed([](auto p, bool fused) { return sgd(p, {.lr = 0.1, .fused = fused}); });
  check_fused_equals_composed(
      [](auto p, bool fused) { return sgd(p, {.lr = 0.1, .weight_decay = 0.01, .fused = fused}); });
}

TEST(Optimizer, FusedMomentumEqualsComposed) {
  check_fused_equals_composed([](auto p, bool fused) {
    return sgd(p, {.momentum = 0.9, .dampening = 0.3, .weight_decay = 0.01, .fused = fused});
  });
  check_fused_equals_composed(
      [](auto p, bool fused) { return sgd(p, {.momentum = 0.9, .nesterov = true, .fused = fused}); });
  check_fused_equals_composed([](auto p, bool fused) {
    return Optimizer(p, {average_grad()}, {weight_decay(), momentum_step()}, {{"weight_decay", 0.1}}, {fused});
  });
}

TEST(Optimizer, FusedAdamEqualsComposed) {
  check_fused_equals_composed([](auto p, bool fused) { return adam(p, {.fused = fused}); });
  check_fused_equals_composed([](auto p, bool fused) { return adam(p, {.weight_decay = 0.1, .fused = fused}); });
  check_fused_equals_composed([](auto p, bool fused) { return adamw(p, {.beta1 = 0.8, .fused = fused}); });
}

TEST(Optimizer, FusedRmspropEqualsComposed) {
  check_fused_equals_composed([](auto p, bool fused) { return rmsprop(p, {.weight_decay = 0.1, .fused = fused}); });
  check_fused_equals_composed(
      [](auto p, bool fused) { return rmsprop(p, {.eps = 1e-4, .momentum = 0.8, .fused = fused}); });
  check_fused_equals_composed([](auto p, bool fused) {
    return Optimizer(p, {average_squared_grad()}, {weight_decay(), rmsprop_step()}, {{"weight_decay", 0.1}}, {fused});
  });
}

TEST(Optimizer, FusedLambEqualsComposed) {
  check_fused_equals_composed([](auto p, bool fused) { return lamb(p, {.fused = fused}); });
  check_fused_equals_composed([](auto p, bool fused) { return lamb(p, {.weight_decay = 0.1, .fused = fused}); });
}

TEST(Optimizer, FusedLarsEqualsComposed) {
  check_fused_equals_composed([](auto p, bool fused) { return lars(p, {.fused = fused}); });
  check_fused_equals_composed(
      [](auto p, bool fused) { return lars(p, {.weight_decay = 0.1, .trust = 0.02, .fused = fused}); });
}

TEST(Optimizer, OnlyTheKnownCombinationsAreFused) {
  const auto is_fused = [](std::vector<Stat> stats, std::vector<Stepper> steppers) {
    return Optimizer({param({1})}, std::move(stats), std::move(steppers)).is_fused();
  };
  EXPECT_TRUE(is_fused({}, {sgd_step()}));
  EXPECT_TRUE(is_fused({average_grad()}, {momentum_step()}));
  EXPECT_FALSE(is_fused({average_grad()}, {sgd_step()}));
  EXPECT_FALSE(is_fused({}, {l2_reg(), weight_decay(), sgd_step()}));
  EXPECT_FALSE(is_fused({}, {sgd_step(), weight_decay()}));
  EXPECT_FALSE(is_fused({}, {sgd_step(), sgd_step()}));
  EXPECT_FALSE(is_fused({damped_average_grad(), step_count()}, {adam_step()}));
  EXPECT_FALSE(is_fused({}, {}));
  EXPECT_FALSE(is_fused({average_scaled_grad(), average_squared_grad()}, {rmsprop_step()}));
  EXPECT_FALSE(is_fused({average_squared_grad(), centred_average_grad()}, {rmsprop_step()}));
  EXPECT_FALSE(is_fused({average_grad()}, {average_step(), lars_gradient()}));
  EXPECT_FALSE(is_fused({damped_average_grad(), average_squared_grad(), step_count()}, {weight_decay(), lamb_step()}));
  const Stepper custom{{{"lr", 1}}, [](Tensor&, Tensor&, const ParamState&, const Hypers&) {}};
  EXPECT_FALSE(is_fused({}, {custom}));
}

// --- what an optimizer does

TEST(Optimizer, TrainsALine) {
  Generator g(3);
  const Tensor x = randn({64, 1}, {}, g), y = x * 3 + 2;
  Tensor w = param({0}), b = param({0});
  Optimizer optimizer = adamw({w, b}, {.lr = 0.1, .weight_decay = 0});
  for (int i = 0; i < 300; ++i) {
    const Tensor error = x * w + b - y;
    (error * error).mean().backward();
    optimizer.step();
    optimizer.zero_grad();
    EXPECT_FALSE(w.grad().defined());
  }
  EXPECT_NEAR(w.item(), 3, 1e-3);
  EXPECT_NEAR(b.item(), 2, 1e-3);
  EXPECT_TRUE(w.is_leaf());
}

TEST(Optimizer, ParametersWithoutGradientStay) {
  Tensor a = param({1}), b = param({1});
  Optimizer optimizer = adamw({a, b});
  a.set_grad(tensor({1}));
  optimizer.step();
  EXPECT_NE(a.item(), 1);
  EXPECT_EQ(b.item(), 1);
  EXPECT_FALSE(optimizer.state().numbers.contains("state.1.step"));
}

TEST(Optimizer, StepsAreNoticedByTheTape) {
  for (const bool fused : {true, false}) {
    Tensor w = param({1, 2});
    const Tensor y = (w * w).sum();
    w.set_grad(tensor({1, 1}));
    sgd({w}, {.fused = fused}).step();
    EXPECT_THROW(y.backward(), AutogradError);
  }
}

TEST(Optimizer, GradientsAreNotChanged) {
  for (const bool fused : {true, false}) {
    Tensor w = param({1, 2});
    w.set_grad(tensor({1, 1}));
    sgd({w}, {.weight_decay = 0.5, .fused = fused}).step();
    EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{1, 1}));
  }
}

TEST(Optimizer, Bf16ParametersTakeTheComposedPath) {
  Tensor w = ones({4}, {.dtype = DType::bf16, .requires_grad = true}), v = param({1, 1});
  Optimizer optimizer = sgd({w, v}, {.lr = 0.5});
  w.set_grad(ones({4}, {.dtype = DType::bf16}));
  v.set_grad(ones({2}));
  optimizer.step();
  EXPECT_EQ(w.to_vector<float>(), (std::vector<float>(4, 0.5f)));
  EXPECT_EQ(v.to_vector<float>(), (std::vector<float>(2, 0.5f)));
}

TEST(Optimizer, GroupsHaveTheirOwnHyperParameters) {
  for (const bool fused : {true, false}) {
    Tensor a = param({1}), b = param({1});
    std::vector<ParamGroup> groups(2);
    groups[0].params = {a};
    groups[1] = {{b}, {{"lr", 0.25}}};
    Optimizer optimizer = sgd(groups, {.lr = 0.5, .fused = fused});
    a.set_grad(tensor({1}));
    b.set_grad(tensor({1}));
    optimizer.step();
    EXPECT_EQ(a.item(), 0.5);
    EXPECT_EQ(b.item(), 0.75);
    optimizer.set_hyper("lr", 0.125, 1);
    EXPECT_EQ(optimizer.hyper("lr", 0), 0.5);
    EXPECT_EQ(optimizer.hyper("lr", 1), 0.125);
    optimizer.set_hyper("lr", 1);
    optimizer.step();
    EXPECT_EQ(a.item(), -0.5);
    EXPECT_EQ(b.item(), -0.25);
  }
}

// --- state

TEST(Optimizer, AResumedRunContinuesBitForBit) {
  Generator g(4);
  const Tensor start = randn({3, 2, 2, 2}, {}, g).contiguous(MemoryFormat::channels_last);
  std::vector<Tensor> grads;
  for (int i = 0; i < 6; ++i) grads.push_back(randn({3, 2, 2, 2}, {}, g));
  const auto take = [&](Optimizer& optimizer, Tensor& w, size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      w.set_grad(grads[i]);
      optimizer.step();
    }
  };
  for (const bool fused : {true, false}) {
    Tensor w = start.clone().set_requires_grad();
    Optimizer first = adamw({w}, {.lr = 0.1, .fused = fused});
    take(first, w, 0, 3);
    const OptimizerState state = first.state();
    Tensor resumed = w.detach().clone().set_requires_grad();
    take(first, w, 3, 6);

    Optimizer second = adamw({resumed}, {.fused = fused});
    second.load_state(state);
    EXPECT_EQ(second.hyper("lr"), 0.1);
    take(second, resumed, 3, 6);
    EXPECT_EQ(resumed.to_vector<float>(), w.to_vector<float>());
    EXPECT_EQ(second.state().numbers, first.state().numbers);
  }
}

TEST(Optimizer, AWrongStateIsRefusedWhole) {
  Tensor w = param({1, 2});
  Optimizer optimizer = adamw({w}, {.lr = 0.1});
  w.set_grad(tensor({1, 1}));
  optimizer.step();
  const OptimizerState good = optimizer.state();
  const auto refused = [&](auto&& change) {
    OptimizerState bad = good;
    bad.numbers["groups.0.lr"] = 7;
    change(bad);
    EXPECT_THROW(optimizer.load_state(bad), ConfigError);
    EXPECT_EQ(optimizer.state().numbers, good.numbers);
  };
  refused([](auto& s) { s.tensors[0].second = zeros({3}); });
  refused([](auto& s) { s.tensors[0].first = "state.1.exp_avg"; });
  refused([](auto& s) { s.tensors[0].first = "exp_avg"; });
  refused([](auto& s) { s.tensors[0].first = "state.x.exp_avg"; });
  refused([](auto& s) { s.numbers.erase("groups.0.eps"); });
  refused([](auto& s) { s.numbers["groups.0.momentum"] = 1; });
  refused([](auto& s) { s.numbers["groups.1.lr"] = 1; });
  refused([](auto& s) { s = OptimizerState{}; });
}

// --- errors

template <class F>
std::string config_error_of(const F& f) {
  try {
    f();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no ConfigError";
}

TEST(Optimizer, ErrorsAreClear) {
  const Tensor w = param({1});
  EXPECT_EQ(config_error_of([&] { sgd({w}).set_hyper("momentun", 1); }),
            "Optimizer: no hyper-parameter 'momentun'; this optimizer has lr, weight_decay");
  EXPECT_EQ(config_error_of([&] {
              Optimizer({w}, {}, {sgd_step()}, {{"beta1", 1}});
            }),
            "Optimizer: no hyper-parameter 'beta1'; this optimizer has lr");
  EXPECT_EQ(config_error_of([&] { sgd({w}).hyper("lr", 1); }), "Optimizer: no parameter group 1, there are 1");
  EXPECT_EQ(config_error_of([&] { sgd({w, w}); }), "Optimizer: a parameter of shape [1] is there twice");
  EXPECT_EQ(config_error_of([&] { sgd(std::vector<Tensor>{}); }), "Optimizer: got no parameters");
  EXPECT_EQ(config_error_of([&] { sgd({w * 2}); }),
            "Optimizer: expected leaves, got the result of a recorded operation");
  EXPECT_EQ(config_error_of([&] { sgd({w}, {.lr = -1}); }), "sgd: expected lr of at least 0, got -1");
  EXPECT_EQ(config_error_of([&] { sgd({w}, {.nesterov = true}); }),
            "sgd: expected momentum above 0 with nesterov, got 0");
  EXPECT_EQ(config_error_of([&] { adamw({w}, {.beta2 = 1}); }), "adamw: expected beta2 in [0, 1), got 1");
  EXPECT_EQ(config_error_of([&] { rmsprop({w}, {.alpha = 1}); }), "rmsprop: expected alpha in [0, 1), got 1");
  EXPECT_EQ(config_error_of([&] { lamb({w}, {.eps = -1}); }), "lamb: expected eps of at least 0, got -1");
  EXPECT_EQ(config_error_of([&] { lars({w}, {.trust = -1}); }), "lars: expected trust of at least 0, got -1");
}

TEST(OptimizerKernels, RefuseTensorsThatDoNotFit) {
  const Tensor w = ones({2, 3}), hypers = zeros({1, 7});
  const auto step = [&](kernels::OptimizerTensors t, const Tensor& h) { kernels::sgd_step({&t, 1}, h); };
  EXPECT_NO_THROW(step({w, ones({2, 3}), {}, {}}, hypers));
  EXPECT_THROW(step({w, ones({3, 2}), {}, {}}, hypers), ShapeError);
  EXPECT_THROW(step({w, ones({3, 2}).t(), {}, {}}, hypers), ShapeError);
  EXPECT_THROW(step({w, ones({2, 3}, {.dtype = DType::bf16}), {}, {}}, hypers), DTypeError);
  EXPECT_THROW(step({w, ones({2, 3}), {}, {}, 1}, hypers), ShapeError);
  EXPECT_THROW(step({w, ones({2, 3}), {}, {}}, zeros({1, 8})), ShapeError);
  const Tensor gappy = ones({2, 6}).slice(1, 0, 6, 2);
  EXPECT_THROW(step({gappy, gappy, {}, {}}, hypers), ShapeError);
  kernels::OptimizerTensors no_averages{w, w, {}, {}};
  EXPECT_THROW(kernels::adam_step({&no_averages, 1}, zeros({1, 8})), ShapeError);
  EXPECT_THROW(kernels::rmsprop_step({&no_averages, 1}, zeros({1, 7})), ShapeError);
  EXPECT_THROW(kernels::lamb_step({&no_averages, 1}, zeros({1, 8})), ShapeError);
  EXPECT_THROW(kernels::lars_step({&no_averages, 1}, zeros({1, 5})), ShapeError);
}

}  // namespace
}  // namespace gw
