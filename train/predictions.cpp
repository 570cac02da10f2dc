#include "train/predictions.h"

#include "autograd/autograd.h"
#include "autograd/index.h"
#include "kernels/metrics.h"

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

std::pair<Tensor, Tensor> predict_with_flips(Learner& learner) {
  constexpr int64_t kWidth = 3;
  const auto mirrored = std::make_shared<BatchTransform>([](const Tensor& x) { return flip(x, {kWidth}); });
  const auto [plain, targets] = predict_validation(learner);
  const Tensor flipped = predict_validation(learner, {mirrored}).first;
  const NoGrad no_grad;
  return {(plain + flipped) * 0.5, targets};
}

double accuracy_of(const Tensor& logits, const Tensor& targets) {
  return kernels::count_correct(logits, targets).item() / static_cast<double>(targets.numel());
}

}  // namespace gw
