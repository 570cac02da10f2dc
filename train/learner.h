// Learner: the training loop. All else is a callback.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/loader.h"
#include "nn/module.h"
#include "optim/optimizer.h"
#include "train/callback.h"

namespace gw {

/// Loss of predictions against targets: a scalar.
using LossFunction = std::function<Tensor(const Tensor& prediction, const Tensor& target)>;
/// Makes the optimizer for a model's parameters with a learning rate.
using OptimizerFunction = std::function<Optimizer(std::vector<Tensor> params, double lr)>;

/// The figures of one epoch, for those callbacks that print or keep them.
struct EpochReport {
  double loss = 0;                                      ///< mean over the items
  std::vector<std::pair<std::string, double>> metrics;  ///< by name
  double seconds = 0;
};

struct FitOptions {
  bool train = true;
  bool valid = true;
  std::optional<double> lr = {};            ///< instead of the learner's
  std::vector<CallbackPtr> callbacks = {};  ///< for this fit only
  bool own_callbacks = true;                ///< the learner's take part too
};

/// Trains a model on batches. Its members are the state of the loop, open to callbacks.
class Learner {
 public:
  Learner(ModulePtr model, Loader train_loader, Loader valid_loader, LossFunction loss_function,
          OptimizerFunction optimizer_function, double lr, std::vector<CallbackPtr> callbacks = {});

  /// Runs `epochs` epochs with a new optimizer, each a pass over the training data (if `train`) and one over the
  /// validation data without gradients (if `valid`). A callback that sets epoch and step in before_fit begins later.
  void fit(int64_t epochs, const FitOptions& options = {});

  /// What reports call the data of this epoch: "train", or valid_name.
  std::string split() const { return training ? "train" : valid_name; }

  /// The model's layers for a training batch, as a Markdown table (see nn/summary.h).
  std::string summary() const;

  ModulePtr model;
  Loader train_loader, valid_loader;
  LossFunction loss_function;
  OptimizerFunction optimizer_function;
  double lr;
  std::vector<CallbackPtr> callbacks;

  std::optional<Optimizer> optimizer;
  int64_t epochs = 0;        ///< of this fit
  int64_t epoch = 0;         ///< counted from 0
  Loader* loader = nullptr;  ///< the one that this epoch goes through
  bool training = false;
  std::string valid_name = "valid";  ///< what reports call the validation data
  int64_t iteration = 0;             ///< batch of this epoch, counted from 0
  int64_t step = 0;                  ///< optimizer steps of this fit so far
  Batch batch;
  Tensor prediction, loss;
  EpochReport report;

  /// What is done with a batch of training up to the optimizer's step, between its callbacks. A callback may put
  /// something of the same effect in its place, such as replaying a captured graph.
  std::function<void(Learner&)> training_step = &Learner::eager_step;
  /// Prediction, loss and gradients of the batch.
  void forward_and_backward();
  /// The same and the optimizer's step.
  void eager_step();

 private:
  using Event = void (Callback::*)(Learner&);
  template <class Cancel, class Body>
  void with_callbacks(Event before, Event after, Event cleanup, const Body& body);
  void call(Event event);

  void forward();
  void one_fit(const FitOptions& options);
  void one_epoch(bool train);
  void one_batch();
};

}  // namespace gw
