#include "autograd/losses.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "kernels/elementwise.h"
#include "kernels/losses.h"
#include "kernels/softmax.h"

namespace gw {

using kernels::ClassLoss;
using kernels::PairLoss;

namespace {

/// What cross entropy's gradient is for targets that are probabilities: that of the loss times
/// -(1 - label_smoothing) weight log softmax(logits).
Tensor target_gradient(const Tensor& dy, const Tensor& logits, const Tensor& weight, const CrossEntropyOptions& o,
                       DType dtype) {
  const NoGrad no_grad;
  const int64_t classes_dim = logits.dim() == 1 ? 0 : 1;
  const double positions = static_cast<double>(logits.numel()) / static_cast<double>(logits.size(classes_dim));
  Tensor gradient = kernels::log_softmax(kernels::cast(logits, DType::f32), classes_dim) * (o.label_smoothing - 1);
  if (weight.defined()) {
    Shape along = Shape::filled(logits.dim(), 1);
    along[classes_dim] = weight.numel();
    gradient = gradient * weight.reshape(along);
  }
  const Tensor outer = o.reduction == Reduction::none ? dy.unsqueeze(classes_dim) : dy;
  gradient = gradient * outer;
  return (o.reduction == Reduction::mean ? gradient / positions : gradient).to(dtype);
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  const ClassLoss forward = kernels::cross_entropy(logits, targets, options);
  const bool wants_targets = is_floating(targets.dtype()) && targets.requires_grad();
  return record("cross_entropy", forward.loss, {logits, wants_targets ? targets : Tensor{}},
                [logits = saved(logits), targets = saved(targets), weight = saved(options.weight), options,
                 total = forward.total_weight, statistics = forward.statistics, wants_logits = logits.requires_grad(),
                 wants_targets, target_dtype = targets.dtype()](const Tensor& dy) {
                  CrossEntropyOptions o = options;
                  o.weight = weight;
                  Grads grads(2);
                  if (wants_logits)
                    grads[0] = kernels::cross_entropy_backward(dy, logits, targets, {{}, total, statistics}, o);
                  if (wants_targets) grads[1] = target_gradient(dy, logits, weight, o, target_dtype);
                  return grads;
                });
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const NllLossOptions& options) {
  const ClassLoss forward = kernels::nll_loss(log_probabilities, targets, options);
  return record("nll_loss", forward.loss, {log_probabilities},
                [x = saved(log_probabilities), targets = saved(targets), weight = saved(options.weight), options,
                 total = forward.total_weight](const Tensor& dy) {
                  NllLossOptions o = options;
                  o.weight = weight;
                  return Grads{kernels::nll_loss_backward(dy, x, targets, {{}, total, {}}, o)};
                });
}

namespace {

void check_pair(const char* name, const Tensor& input, const Tensor& target) {
  if (input.shape() != target.shape())
    throw ShapeError(fmt::format("{}: expected two tensors of one shape, got {} and {}", name,
                                 input.shape().to_string(), target.shape().to_string()));
  for (const DType dtype : {input.dtype(), target.dtype()})
    if (!is_floating(dtype)) throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", name, name_of(dtype)));
  if (input.device() != target.device())
    throw DeviceError(fmt::format("{}: the input is on {}, the target on {}", name, input.device().to_string(),
                                  target.device().to_string()));
}

/// A loss of two tensors, of which the wider dtype is taken.
Tensor pair_loss(const char* name, PairLoss kind, const Tensor& input, const Tensor& target, const Tensor& pos_weight,
                 Reduction reduction) {
  check_pair(name, input, target);
  const DType dtype = promote(input.dtype(), target.dtype());
  const Tensor x = kernels::cast(input, dtype), y = kernels::cast(target, dtype);
  // Only the losses of the difference alone have a gradient for the target: the opposite one.
  const bool symmetric = kind == PairLoss::mse || kind == PairLoss::l1;
  const DType x_dtype = input.dtype(), y_dtype = target.dtype();
  const bool wants_x = input.requires_grad(), wants_y = symmetric && target.requires_grad();
  return record(name, kernels::pair_loss(kind, x, y, pos_weight, reduction), {input, symmetric ? target : Tensor{}},
                [=, x = saved(x), y = saved(y), weight = saved(pos_weight)](const Tensor& dy) {
                  const Tensor dx = kernels::pair_loss_backward(kind, dy, x, y, weight, reduction);
                  Grads grads(2);
                  if (wants_y) grads[1] = kernels::cast(kernels::unary(kernels::Unary::neg, dx), y_dtype);
                  if (wants_x) grads[0] = kernels::cast(dx, x_dtype);
                  return grads;
                });
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pair_loss("mse_loss", PairLoss::mse, input, target, {}, reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pair_loss("l1_loss", PairLoss::l1, input, target, {}, reduction);
}

Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& targets, Reduction reduction) {
  return pair_loss("binary_cross_entropy", PairLoss::binary_cross_entropy, probabilities, targets, {}, reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        const BinaryCrossEntropyOptions& options) {
  return pair_loss("binary_cross_entropy_with_logits", PairLoss::binary_cross_entropy_with_logits, logits, targets,
                   options.pos_weight, options.reduction);
}

}  // namespace gw
