#include "train/commands/choices.h"

#include <algorithm>
#include <cmath>

#include "nn/losses.h"
#include "nn/models/imagenet_resnet.h"
#include "nn/models/xresnet.h"
#include "optim/annealing.h"
#include "optim/optimizers.h"
#include "train/metrics.h"

namespace gw::commands {

const std::map<std::string, GroupOptimizer>& group_optimizers() {
  using Groups = std::vector<ParamGroup>;
  static const std::map<std::string, GroupOptimizer> table = {
      {"adam", [](Groups groups, double lr) { return adam(std::move(groups), {.lr = lr}); }},
      {"adamw", [](Groups groups, double lr) { return adamw(std::move(groups), {.lr = lr}); }},
      {"lamb", [](Groups groups, double lr) { return lamb(std::move(groups), {.lr = lr}); }},
      {"lars", [](Groups groups, double lr) { return lars(std::move(groups), {.lr = lr}); }},
      {"momentum", [](Groups groups, double lr) { return sgd(std::move(groups), {.lr = lr, .momentum = 0.9}); }},
      {"nesterov",
       [](Groups groups, double lr) { return sgd(std::move(groups), {.lr = lr, .momentum = 0.9, .nesterov = true}); }},
      {"rmsprop", [](Groups groups, double lr) { return rmsprop(std::move(groups), {.lr = lr}); }},
      {"sgd", [](Groups groups, double lr) { return sgd(std::move(groups), {.lr = lr}); }},
  };
  return table;
}

const std::map<std::string, OptimizerFunction>& optimizers() {
  static const std::map<std::string, OptimizerFunction> table = [] {
    std::map<std::string, OptimizerFunction> of_all;
    for (const auto& [name, make] : group_optimizers())
      of_all[name] = [make = make](std::vector<Tensor> params, double lr) {
        return make({{std::move(params), {}}}, lr);
      };
    return of_all;
  }();
  return table;
}

const std::map<std::string, ScheduleFunction>& schedules() {
  static const std::map<std::string, ScheduleFunction> table = {
      {"constant", [](double lr, int64_t) -> Schedule { return [lr](int64_t) {
                                                          return Hypers{{"lr", lr}};
                                                        }; }},
      {"cosine", [](double lr, int64_t steps) -> Schedule { return CosineAnnealing{.base_lr = lr, .t_max = steps}; }},
      // Down to a thousandth over the run.
      {"exponential",
       [](double lr, int64_t steps) -> Schedule {
         return Exponential{.base_lr = lr, .gamma = std::pow(1e-3, 1.0 / static_cast<double>(steps))};
       }},
      // Down to a fifth of it, as the course's "best in one epoch".
      {"linear",
       [](double lr, int64_t steps) -> Schedule {
         const Annealing falling = sched_lin(lr, lr / 5);
         return [=](int64_t step) {
           return Hypers{{"lr", falling(static_cast<double>(step) / static_cast<double>(steps))}};
         };
       }},
      {"one-cycle", [](double lr, int64_t steps) -> Schedule { return OneCycle{.max_lr = lr, .total_steps = steps}; }},
  };
  return table;
}

double default_lr(const std::string& model) {
  if (model == "convnet") return 6e-2;
  if (model == "resnet") return 2e-2;
  if (model == "cifar-simple") return 2e-3;
  const auto is_named = [&](const auto& m) { return model == m.name; };
  const bool of_imagenet = std::any_of(std::begin(kImageNetResNets), std::end(kImageNetResNets), is_named) ||
                           std::any_of(std::begin(kXResNets), std::end(kXResNets), is_named);
  return of_imagenet ? 2e-2 : 1e-2;
}

LossFunction classification_loss() {
  return [](const Tensor& prediction, const Tensor& target) { return cross_entropy(prediction, target); };
}

CallbackPtr accuracy_metrics() {
  return std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
}

}  // namespace gw::commands
