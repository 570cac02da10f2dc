#include "train/metrics.h"

#include "autograd/autograd.h"
#include "kernels/metrics.h"
#include "tensor/creation.h"

namespace gw {

void Accuracy::reset() {
  correct_ = Tensor();
  count_ = 0;
}

void Accuracy::update(const Tensor& prediction, const Tensor& target) {
  const Tensor correct = kernels::count_correct(prediction.detach(), target);
  if (correct_.defined())
    correct_.add_(correct);
  else
    correct_ = correct;
  count_ += target.numel();
}

double Accuracy::value() const { return correct_.defined() ? correct_.item() / static_cast<double>(count_) : 0; }

void MetricsCallback::before_epoch(Learner& learner) {
  for (const auto& metric : metrics_) metric->reset();
  loss_sum_ = Tensor();
  count_ = 0;
  learner.report = {};
  start_ = std::chrono::steady_clock::now();
}

void MetricsCallback::after_batch(Learner& learner) {
  const NoGrad no_grad;
  const int64_t items = learner.batch.y.numel();
  const Tensor weighted = learner.loss.detach() * static_cast<double>(items);
  if (loss_sum_.defined())
    loss_sum_.add_(weighted);
  else
    loss_sum_ = weighted;
  count_ += items;
  for (const auto& metric : metrics_) metric->update(learner.prediction, learner.batch.y);
}

void MetricsCallback::after_epoch(Learner& learner) {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  learner.report.seconds = elapsed.count();
  learner.report.loss = loss_sum_.defined() ? loss_sum_.item() / static_cast<double>(count_) : 0;
  for (const auto& metric : metrics_) learner.report.metrics.emplace_back(metric->name(), metric->value());
}

}  // namespace gw
