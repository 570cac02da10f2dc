#include "train/metrics.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "autograd/index.h"
#include "autograd/losses.h"
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

void MeanMetric::reset() {
  sum_ = Tensor();
  count_ = 0;
}

void MeanMetric::update(const Tensor& prediction, const Tensor& target) {
  const NoGrad no_grad;
  const Tensor sum = function_(prediction.detach(), target) * static_cast<double>(target.size(0));
  if (sum_.defined())
    sum_.add_(sum);
  else
    sum_ = sum;
  count_ += target.size(0);
}

double MeanMetric::value() const { return sum_.defined() ? sum_.item() / static_cast<double>(count_) : 0; }

Tensor top_k_accuracy(const Tensor& logits, const Tensor& targets, int64_t k) {
  if (logits.dim() != 2 || targets.shape() != Shape{logits.size(0)})
    throw ShapeError(fmt::format("top_k_accuracy: expected logits [N, C] and targets [N], got {} and {}",
                                 logits.shape().to_string(), targets.shape().to_string()));
  if (k < 1) throw ConfigError(fmt::format("top_k_accuracy: expected k of at least 1, got {}", k));
  const NoGrad no_grad;
  const Tensor index = targets.to(DType::i64).unsqueeze(1), found = gather(logits, 1, index);
  const Tensor classes =
      arange(0, static_cast<double>(logits.size(1)), 1, {.dtype = DType::i64, .device = logits.device()});
  const Tensor in_front = ((logits > found) + (logits == found) * (classes < index)).to(DType::f32).sum({1});
  return ((in_front < static_cast<double>(k)) * (found == found).squeeze(1)).to(DType::f32).mean();
}

std::shared_ptr<Metric> top_k_accuracy_metric(int64_t k) {
  return std::make_shared<MeanMetric>(fmt::format("top_{}_accuracy", k),
                                      [k](const Tensor& x, const Tensor& y) { return top_k_accuracy(x, y, k); });
}

std::shared_ptr<Metric> log_loss_metric() {
  return std::make_shared<MeanMetric>("log_loss", [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); });
}

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
