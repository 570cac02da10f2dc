// Metrics: what an epoch is judged by, summed up on the device while it runs.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "train/learner.h"

namespace gw {

/// A figure over the items of an epoch. update() must not wait for the device; value() may.
class Metric {
 public:
  virtual ~Metric() = default;
  virtual std::string name() const = 0;
  virtual void reset() = 0;
  virtual void update(const Tensor& prediction, const Tensor& target) = 0;
  virtual double value() const = 0;
};

/// Share of the items whose largest logit is that of their class.
class Accuracy : public Metric {
 public:
  std::string name() const override { return "accuracy"; }
  void reset() override;
  void update(const Tensor& prediction, const Tensor& target) override;
  double value() const override;

 private:
  Tensor correct_;  ///< i64, on the device
  int64_t count_ = 0;
};

/// The mean over all items of what a function gives as the mean over a batch's.
class MeanMetric : public Metric {
 public:
  using Function = std::function<Tensor(const Tensor& prediction, const Tensor& target)>;
  MeanMetric(std::string name, Function function) : name_(std::move(name)), function_(std::move(function)) {}
  std::string name() const override { return name_; }
  void reset() override;
  void update(const Tensor& prediction, const Tensor& target) override;
  double value() const override;

 private:
  std::string name_;
  Function function_;
  Tensor sum_;  ///< f32, on the device
  int64_t count_ = 0;
};

/// The share of logits [N, C] with the class of their target [N] among the k largest; of equal logits, the first counts
/// as the largest. NaN is not among them.
Tensor top_k_accuracy(const Tensor& logits, const Tensor& targets, int64_t k);

/// The metrics "top_K_accuracy", and "log_loss": the cross entropy, whatever loss is trained with.
std::shared_ptr<Metric> top_k_accuracy_metric(int64_t k);
std::shared_ptr<Metric> log_loss_metric();

/// Puts the mean loss, the metrics and the time of each epoch into learner.report. Runs before the callbacks that read
/// it.
class MetricsCallback : public Callback {
 public:
  explicit MetricsCallback(std::vector<std::shared_ptr<Metric>> metrics) : metrics_(std::move(metrics)) {}
  int order() const override { return -10; }
  void before_epoch(Learner& learner) override;
  void after_batch(Learner& learner) override;
  void after_epoch(Learner& learner) override;

 private:
  std::vector<std::shared_ptr<Metric>> metrics_;
  Tensor loss_sum_;  ///< f32, on the device
  int64_t count_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace gw
