#include "train/predictions.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "autograd/index.h"
#include "kernels/metrics.h"
#include "nn/dropout.h"

namespace gw {

void CapturePredictions::before_fit(Learner&) {
  predictions_.clear();
  targets_.clear();
}

void CapturePredictions::after_batch(Learner& learner) {
  predictions_.push_back(learner.prediction.detach().to(DType::f32));
  targets_.push_back(learner.batch.y);
}

std::pair<Tensor, Tensor> CapturePredictions::result() const { return {cat(predictions_, 0), cat(targets_, 0)}; }

std::pair<Tensor, Tensor> predict_validation(Learner& learner, std::vector<CallbackPtr> callbacks) {
  const auto capture = std::make_shared<CapturePredictions>();
  callbacks.push_back(capture);
  // The learner's own callbacks belong to training: they would print and log this pass too.
  learner.fit(1, {.train = false, .lr = {}, .callbacks = callbacks, .own_callbacks = false});
  return capture->result();
}

std::vector<View> test_time_views(int64_t count) {
  if (count != 1 && count != 2 && count != 10 && count != 18)
    throw ConfigError(fmt::format("test time augmentation: expected 1, 2, 10 or 18 views, got {}", count));
  std::vector<View> views = {{0, 0}};
  if (count >= 10) views.insert(views.end(), {{-1, 0}, {1, 0}, {0, -1}, {0, 1}});
  if (count >= 18) views.insert(views.end(), {{-1, -1}, {-1, 1}, {1, -1}, {1, 1}});
  if (count == 1) return views;
  for (size_t i = 0, n = views.size(); i < n; ++i) views.push_back({views[i].down, views[i].right, true});
  return views;
}

Tensor see(const View& view, const Tensor& x) {
  constexpr int64_t kWidth = 3;
  const bool moved = view.down != 0 || view.right != 0;
  const Tensor seen = moved ? pad(x, {view.right, -view.right, view.down, -view.down}) : x;
  return view.flip ? flip(seen, {kWidth}) : seen;
}

std::pair<Tensor, Tensor> predict_views(Learner& learner, const std::vector<View>& views) {
  if (views.empty()) throw ConfigError("predict_views: expected at least one view, got none");
  const NoGrad no_grad;
  Tensor sum, targets;
  for (const View& view : views) {
    const auto looks = std::make_shared<BatchTransform>([view](const Tensor& x) { return see(view, x); });
    const auto [logits, labels] = predict_validation(learner, {looks});
    sum = sum.defined() ? sum + logits : logits;
    targets = labels;
  }
  return {sum / static_cast<double>(views.size()), targets};
}

namespace {

/// Switches the dropout layers; the number of them.
int64_t train_dropout(Module& model, bool on) {
  int64_t count = 0;
  for (Module* module : model.modules()) {
    if (!dynamic_cast<Dropout*>(module)) continue;
    module->train(on);
    ++count;
  }
  return count;
}

}  // namespace

void DropoutAtTestTime::before_fit(Learner& learner) {
  if (train_dropout(*learner.model, learner.model->is_training()) == 0)
    throw ConfigError("dropout at test time: the model has no dropout layer");
}

void DropoutAtTestTime::before_epoch(Learner& learner) {
  if (!learner.training) train_dropout(*learner.model, true);
}

void DropoutAtTestTime::cleanup_epoch(Learner& learner) { train_dropout(*learner.model, learner.training); }

DropoutPrediction predict_with_dropout(Learner& learner, int64_t samples) {
  if (samples < 2) throw ConfigError(fmt::format("dropout at test time: expected at least 2 samples, got {}", samples));
  const NoGrad no_grad;
  std::vector<Tensor> all;
  Tensor targets;
  for (int64_t i = 0; i < samples; ++i) {
    const auto [logits, labels] = predict_validation(learner, {std::make_shared<DropoutAtTestTime>()});
    all.push_back(logits.softmax(1).unsqueeze(0));
    targets = labels;
  }
  const Tensor probabilities = cat(all, 0);
  return {probabilities.mean({0}), probabilities.std({0}), targets};
}

double accuracy_of(const Tensor& logits, const Tensor& targets) {
  return kernels::count_correct(logits, targets).item() / static_cast<double>(targets.numel());
}

}  // namespace gw
