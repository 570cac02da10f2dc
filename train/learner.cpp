#include "train/learner.h"

#include <algorithm>

#include "autograd/autograd.h"
#include "nn/summary.h"

namespace gw {

Learner::Learner(ModulePtr model, Loader train_loader, Loader valid_loader, LossFunction loss_function,
                 OptimizerFunction optimizer_function, double lr, std::vector<CallbackPtr> callbacks)
    : model(std::move(model)),
      train_loader(std::move(train_loader)),
      valid_loader(std::move(valid_loader)),
      loss_function(std::move(loss_function)),
      optimizer_function(std::move(optimizer_function)),
      lr(lr),
      callbacks(std::move(callbacks)) {}

void Learner::fit(int64_t epochs, const FitOptions& options) {
  const std::vector<CallbackPtr> own = callbacks;
  if (!options.own_callbacks) callbacks.clear();
  callbacks.insert(callbacks.end(), options.callbacks.begin(), options.callbacks.end());
  this->epochs = epochs;
  epoch = step = 0;
  optimizer.emplace(optimizer_function(model->parameters(), options.lr.value_or(lr)));
  try {
    with_callbacks<CancelFit>(&Callback::before_fit, &Callback::after_fit, &Callback::cleanup_fit,
                              [&] { one_fit(options); });
  } catch (...) {
    callbacks = own;
    throw;
  }
  callbacks = own;
}

std::string Learner::summary() const {
  Shape shape = train_loader.dataset().images.shape();
  shape[0] = train_loader.options().batch_size;
  return gw::summary(*model, shape);
}

void Learner::one_fit(const FitOptions& options) {
  for (; epoch < epochs; ++epoch) {
    if (options.train) one_epoch(true);
    if (!options.valid) continue;
    const NoGrad no_grad;
    one_epoch(false);
  }
}

void Learner::one_epoch(bool train) {
  training = train;
  model->train(train);
  loader = train ? &train_loader : &valid_loader;
  with_callbacks<CancelEpoch>(&Callback::before_epoch, &Callback::after_epoch, &Callback::cleanup_epoch, [&] {
    loader->start();
    for (iteration = 0; loader->next(batch); ++iteration)
      with_callbacks<CancelBatch>(&Callback::before_batch, &Callback::after_batch, &Callback::cleanup_batch,
                                  [&] { one_batch(); });
  });
}

void Learner::one_batch() {
  if (!training) return forward();
  training_step(*this);
  ++step;
  call(&Callback::after_step);
  optimizer->zero_grad();
}

void Learner::forward() {
  prediction = (*model)(batch.x);
  call(&Callback::after_predict);
  loss = loss_function(prediction, batch.y);
  call(&Callback::after_loss);
}

void Learner::forward_and_backward() {
  forward();
  loss.backward();
  call(&Callback::after_backward);
}

void Learner::eager_step() {
  forward_and_backward();
  optimizer->step();
}

/// Runs body between the callbacks of its moments; Cancel ends it early.
template <class Cancel, class Body>
void Learner::with_callbacks(Event before, Event after, Event cleanup, const Body& body) {
  try {
    call(before);
    body();
    call(after);
  } catch (const Cancel&) {
  } catch (...) {
    call(cleanup);
    throw;
  }
  call(cleanup);
}

void Learner::call(Event event) {
  std::vector<CallbackPtr> ordered = callbacks;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const CallbackPtr& a, const CallbackPtr& b) { return a->order() < b->order(); });
  for (const CallbackPtr& callback : ordered) (callback.get()->*event)(*this);
}

}  // namespace gw
