#include "train/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <functional>
#include <map>
#include <memory>

#include "data/fashion_mnist.h"
#include "nn/losses.h"
#include "nn/models/resnet.h"
#include "nn/summary.h"
#include "optim/optimizers.h"
#include "train/guards.h"
#include "train/json_log.h"
#include "train/metrics.h"
#include "train/predictions.h"
#include "train/progress.h"
#include "train/save.h"
#include "train/schedulers.h"

namespace gw {
namespace {

constexpr const char* kModelKey = "model";

template <class T>
T choose(const char* what, const std::map<std::string, T>& choices, const std::string& name) {
  if (const auto it = choices.find(name); it != choices.end()) return it->second;
  std::vector<std::string> names;
  for (const auto& [key, value] : choices) names.push_back(key);
  throw ConfigError(fmt::format("{}: expected one of {}, got '{}'", what, fmt::join(names, ", "), name));
}

const std::map<std::string, OptimizerFunction>& optimizers() {
  using Params = std::vector<Tensor>;
  static const std::map<std::string, OptimizerFunction> table = {
      {"adam", [](Params params, double lr) { return adam(std::move(params), {.lr = lr}); }},
      {"adamw", [](Params params, double lr) { return adamw(std::move(params), {.lr = lr}); }},
      {"momentum", [](Params params, double lr) { return sgd(std::move(params), {.lr = lr, .momentum = 0.9}); }},
      {"sgd", [](Params params, double lr) { return sgd(std::move(params), {.lr = lr}); }},
  };
  return table;
}

/// Makes the schedule of a run of so many steps with a largest learning rate.
using ScheduleFunction = std::function<Schedule(double lr, int64_t steps)>;

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
      {"one-cycle", [](double lr, int64_t steps) -> Schedule { return OneCycle{.max_lr = lr, .total_steps = steps}; }},
  };
  return table;
}

template <class T>
std::vector<std::string> keys(const std::map<std::string, T>& table) {
  std::vector<std::string> names;
  for (const auto& [key, value] : table) names.push_back(key);
  return names;
}

DType activation_dtype(const std::string& name) {
  const DType dtype = dtype_from_name(name);
  if (!is_floating(dtype)) throw ConfigError(fmt::format("dtype: expected f32 or bf16, got '{}'", name));
  return dtype;
}

DatasetPair load_data(const std::string& folder, std::optional<int64_t> limit) {
  DatasetPair data = load_fashion_mnist(folder);
  if (!limit) return data;
  return {data.train.first(*limit), data.valid.first(*limit)};
}

LossFunction classification_loss() {
  return [](const Tensor& prediction, const Tensor& target) { return cross_entropy(prediction, target); };
}

CallbackPtr accuracy_metrics() {
  return std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()});
}

Loader validation_loader(const ImageDataset& data, int64_t batch, DType dtype) {
  return Loader(data, {.batch_size = batch, .dtype = dtype});
}

}  // namespace

std::vector<std::string> optimizer_names() { return keys(optimizers()); }
std::vector<std::string> schedule_names() { return keys(schedules()); }

double default_lr(const std::string& model) {
  if (model == "convnet") return 6e-2;
  return model == "resnet" ? 2e-2 : 1e-2;
}

int run_summary(const SummaryOptions& options) {
  const auto model = make_model(options.model);
  fmt::print("{}", summary(*model, {options.batch, 1, 28, 28}));
  return 0;
}

int run_train(const TrainOptions& options) {
  const Device device = device_from_name(options.device);
  const DType dtype = activation_dtype(options.dtype);
  const OptimizerFunction optimizer = choose("opt", optimizers(), options.optimizer);
  const ScheduleFunction schedule = choose("sched", schedules(), options.schedule);
  manual_seed(options.seed);
  const auto model = make_model(options.model);
  model->to(device);

  const DatasetPair data = load_data(options.data, options.limit);
  if (options.batch > data.train.size())
    throw ConfigError(fmt::format("train: a batch of {} is more than the {} training images; use a smaller --batch",
                                  options.batch, data.train.size()));
  Loader train_loader(data.train, {.batch_size = options.batch, .shuffle = true, .dtype = dtype});
  const double lr = options.lr.value_or(default_lr(options.model));
  const int64_t steps = options.epochs * train_loader.size();
  Learner learner(model, train_loader, validation_loader(data.valid, options.batch, dtype), classification_loss(),
                  optimizer, lr);
  learner.callbacks = {accuracy_metrics(), std::make_shared<BatchScheduler>(schedule(lr, steps)),
                       std::make_shared<NanGuard>(), std::make_shared<InterruptGuard>(),
                       std::make_shared<ProgressCallback>()};
  if (!options.save.empty())
    learner.callbacks.push_back(
        std::make_shared<SaveCallback>(options.save, std::map<std::string, std::string>{{kModelKey, options.model}}));
  std::shared_ptr<JsonLog> log;
  if (!options.log.empty()) learner.callbacks.push_back(log = std::make_shared<JsonLog>(options.log));

  learner.fit(options.epochs);
  if (InterruptGuard::interrupted()) {
    if (log) log->end();
    fmt::print("interrupted in epoch {}{}\n", learner.epoch + 1,
               options.save.empty() ? "" : fmt::format("; the weights are in {}", options.save));
    return 130;
  }
  std::optional<double> tta_accuracy;
  if (options.tta) {
    const auto [logits, targets] = predict_with_flips(learner);
    tta_accuracy = accuracy_of(logits, targets);
    fmt::print("test time augmentation  accuracy {:.4f}\n", *tta_accuracy);
  }
  if (log) log->end(tta_accuracy);
  return 0;
}

int run_eval(const EvalOptions& options) {
  const Device device = device_from_name(options.device);
  const DType dtype = activation_dtype(options.dtype);
  const SafetensorsFile file = load_safetensors(options.load);
  std::string name = options.model;
  if (name.empty()) {
    const auto it = file.metadata.find(kModelKey);
    if (it == file.metadata.end())
      throw IoError(fmt::format("eval: {} does not say which model it is for; name it with --model", options.load));
    name = it->second;
  }
  const auto model = make_model(name);
  model->load_state_dict(file.tensors);
  model->to(device);

  const DatasetPair data = load_data(options.data, options.limit);
  const Loader loader = validation_loader(data.valid, options.batch, dtype);
  Learner learner(model, loader, loader, classification_loss(), optimizers().at("sgd"), 0);
  const auto [logits, targets] = options.tta ? predict_with_flips(learner) : predict_validation(learner);
  fmt::print("{}{}  loss {:.4f}  accuracy {:.4f}\n", name, options.tta ? "  test time augmentation" : "",
             cross_entropy(logits, targets).item(), accuracy_of(logits, targets));
  return 0;
}

}  // namespace gw
