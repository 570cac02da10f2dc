// The course's notebook 11a, "A generic optimizer", as a program: optimizers as lists of statistics and steps, those
// that are there and two that a user adds, on Fashion-MNIST.
//
//     11_optimizers [EPOCHS [IMAGES]]      default: 1 epoch on all images
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <exception>

#include "groundwork.h"

using namespace gw;

namespace {

struct Settings {
  DatasetPair data;
  int64_t epochs;
};

/// A step of one's own: down the sign of the averaged gradient (Chen et al., "Symbolic discovery of optimization
/// algorithms", 2023, in its simplest form).
Stepper sign_step() {
  return {{{"lr", 1e-3}}, [](Tensor& param, Tensor&, const ParamState& state, const Hypers& h) {
            param.add_(sign(state.tensors.at("exp_avg")), -h.at("lr"));
          }};
}

/// Another: behind any steps, go a part of the way every k-th time (Zhang et al., "Lookahead optimizer", 2019). It
/// needs to remember where the slow weights are: a statistic.
Stat slow_weights() {
  return {{}, [](ParamState& state, const Tensor& param, const Tensor&, const Hypers&) {
            if (state.numbers["steps"]++ == 0) state.tensors["slow"] = param.clone();
          }};
}
Stepper lookahead_step() {
  return {{{"alpha", 0.5}, {"k", 6}}, [](Tensor& param, Tensor&, const ParamState& state, const Hypers& h) {
            if (std::fmod(state.numbers.at("steps"), h.at("k")) != 0) return;
            Tensor slow = state.tensors.at("slow");
            param.copy_(slow.add_(param - slow, h.at("alpha")));
          }};
}

ModulePtr small_net() {
  Sequential model;
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>{1, 8}, {8, 16}, {16, 32}}) model.push_back(conv(from, to));
  model.push_back(GlobalAvgPool());
  model.push_back(Linear(32, 10));
  model.apply(init_weights(/*leaky=*/0.1));
  return std::make_shared<Sequential>(std::move(model));
}

/// Trains a new net, the learning rate going up and down as in the notebook.
void train(const char* title, double lr, const OptimizerFunction& optimizer, const Settings& s) {
  fmt::print("\n{}, learning rate {}\n", title, lr);
  manual_seed(42);
  const int64_t batch = std::min<int64_t>(512, s.data.train.size());
  const Loader train_loader(s.data.train, {.batch_size = batch, .shuffle = true});
  const Loader valid_loader(s.data.valid, {.batch_size = batch});
  const Annealing schedule = combine_scheds({0.3, 0.7}, {sched_cos(lr / 3, lr), sched_cos(lr, lr / 30)});
  const std::vector<std::shared_ptr<Metric>> metrics = {std::make_shared<Accuracy>(), top_k_accuracy_metric(3)};
  Learner learner(small_net(), train_loader, valid_loader,
                  [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); }, optimizer, lr,
                  {std::make_shared<MetricsCallback>(metrics), std::make_shared<ParamScheduler>("lr", schedule),
                   std::make_shared<ProgressCallback>()});
  learner.fit(s.epochs);
}

void run(const Settings& s) {
  using Params = std::vector<Tensor>;
  train(
      "SGD, put together from its step", 0.5,
      [](Params p, double lr) {
        return Optimizer(p, {}, {weight_decay(), sgd_step()}, {{"lr", lr}});
      },
      s);
  train(
      "Momentum, from a statistic and a step", 0.1,
      [](Params p, double lr) {
        return Optimizer(p, {average_grad()}, {l2_reg(), momentum_step()}, {{"lr", lr}});
      },
      s);
  train(
      "RMSProp", 1e-2, [](Params p, double lr) { return rmsprop(p, {.lr = lr}); }, s);
  train(
      "AdamW", 3e-2, [](Params p, double lr) { return adamw(p, {.lr = lr}); }, s);
  train(
      "LAMB", 3e-2, [](Params p, double lr) { return lamb(p, {.lr = lr, .weight_decay = 0.01}); }, s);
  train(
      "A step of one's own: the sign of the average", 3e-3,
      [](Params p, double lr) {
        return Optimizer(p, {damped_average_grad()}, {sign_step()}, {{"lr", lr}});
      },
      s);
  train(
      "Lookahead around it", 3e-3,
      [](Params p, double lr) {
        return Optimizer(p, {slow_weights(), damped_average_grad()}, {sign_step(), lookahead_step()}, {{"lr", lr}});
      },
      s);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Settings s{load_fashion_mnist(), argc > 1 ? std::atoll(argv[1]) : 1};
    if (argc > 2) s.data = {s.data.train.first(std::atoll(argv[2])), s.data.valid.first(std::atoll(argv[2]))};
    run(s);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "11_optimizers: {}\n", e.what());
    return 1;
  }
}
