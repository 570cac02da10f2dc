// LAMB and LARS, whose steps depend on norms over whole parameters, against their papers' formulas in double precision
// over 100 steps: fused, composed, and on the GPU.
#include <gtest/gtest.h>

#include <cmath>

#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "tests/cuda_device.h"

namespace gw {
namespace {

using Values = std::vector<double>;

double norm(const Values& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

/// One parameter, stepped in double precision.
struct Transcript {
  Values p, m, v;
  int64_t steps = 0;

  explicit Transcript(Values start) : p(std::move(start)), m(p.size()), v(p.size()) {}

  /// You et al. 2019, algorithm 2, with phi(|x|) / |r| as the ratio of root mean squares, at most 10.
  void lamb_step(const Values& g, const LambOptions& o) {
    ++steps;
    const double correction1 = 1 - std::pow(o.beta1, steps), correction2 = 1 - std::pow(o.beta2, steps);
    Values r(p.size());
    for (size_t i = 0; i < p.size(); ++i) {
      m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
      v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
      r[i] = m[i] / correction1 / (std::sqrt(v[i] / correction2) + o.eps) + o.weight_decay * p[i];
    }
    const double n = std::sqrt(static_cast<double>(p.size())), r1 = norm(p) / n, r2 = norm(r) / n;
    const double ratio = r1 == 0 || r2 == 0 ? 1 : std::min(r1 / r2, 10.0);
    for (size_t i = 0; i < p.size(); ++i) p[i] -= o.lr * ratio * r[i];
  }

  /// You, Gitman and Ginsburg 2017, algorithm 1.
  void lars_step(const Values& g, const LarsOptions& o) {
    const double size = norm(p), slope = norm(g);
    const double local = size == 0 || slope == 0 ? 1 : o.trust * size / (slope + o.weight_decay * size);
    for (size_t i = 0; i < p.size(); ++i) {
      v[i] = o.momentum * v[i] + o.lr * local * (g[i] + o.weight_decay * p[i]);
      p[i] -= v[i];
    }
  }
};

/// Parameters of which one starts at zero, one is large beside its steps (so that LAMB's ratio is clipped), and one
/// fills several chunks of the kernels.
std::vector<Tensor> starts() {
  Generator g(1);
  return {randn({3, 5}, {}, g), zeros({7}), randn({4}, {}, g) * 100, randn({9001}, {}, g) * 0.01};
}

/// The largest error of each parameter after 100 steps, as a share of its root mean square.
template <class Options, class Step>
Values errors(const Options& options, Optimizer (*make)(std::vector<Tensor>, const Options&), const Step& step,
              Device device = kCpu) {
  std::vector<Tensor> params;
  std::vector<Transcript> expected;
  for (const Tensor& start : starts()) {
    params.push_back(start.clone().to(device).set_requires_grad());
    expected.emplace_back(start.to_vector<double>());
  }
  Optimizer optimizer = make(params, options);
  EXPECT_EQ(optimizer.is_fused(), options.fused);
  Generator g(2);
  for (int i = 0; i < 100; ++i) {
    Options now = options;
    now.lr = options.lr * (1 + 0.01 * i);
    optimizer.set_hyper("lr", now.lr);
    for (size_t k = 0; k < params.size(); ++k) {
      const Tensor grad = randn(params[k].shape(), {}, g);
      params[k].set_grad(grad.to(device));
      (expected[k].*step)(grad.to_vector<double>(), now);
    }
    optimizer.step();
  }
  Values worst;
  for (size_t k = 0; k < params.size(); ++k) {
    const Values found = params[k].to_vector<double>();
    const double scale = norm(expected[k].p) / std::sqrt(static_cast<double>(found.size()));
    worst.push_back(0);
    for (size_t i = 0; i < found.size(); ++i) {
      const double error = std::abs(found[i] - expected[k].p[i]) / scale;
      worst.back() = std::max(worst.back(), std::isnan(error) ? INFINITY : error);  // NaN alone would be passed over
    }
  }
  return worst;
}

constexpr LambOptions kLamb{.lr = 0.01, .weight_decay = 0.1};
constexpr LarsOptions kLars{.lr = 0.5, .weight_decay = 0.01, .trust = 0.02};
constexpr double kBound = 5e-6;

TEST(Layerwise, LambIsThePapers) {
  for (const bool fused : {true, false}) {
    LambOptions o = kLamb;
    o.fused = fused;
    for (const double error : errors<LambOptions>(o, lamb, &Transcript::lamb_step)) EXPECT_LT(error, kBound) << fused;
  }
}

TEST(Layerwise, LarsIsThePapers) {
  for (const bool fused : {true, false}) {
    LarsOptions o = kLars;
    o.fused = fused;
    for (const double error : errors<LarsOptions>(o, lars, &Transcript::lars_step)) EXPECT_LT(error, kBound) << fused;
  }
}

class CudaLayerwise : public CudaTest {};

TEST_F(CudaLayerwise, LambIsThePapers) {
  for (const double error : errors<LambOptions>(kLamb, lamb, &Transcript::lamb_step, kCuda)) EXPECT_LT(error, kBound);
}
TEST_F(CudaLayerwise, LarsIsThePapers) {
  for (const double error : errors<LarsOptions>(kLars, lars, &Transcript::lars_step, kCuda)) EXPECT_LT(error, kBound);
}

}  // namespace
}  // namespace gw
