#include "kernels/losses.h"

#include <fmt/format.h>

#include "kernels/cpu/cross_entropy.h"
#include "kernels/cpu/pair_loss.h"
#include "kernels/cuda/cross_entropy.h"
#include "kernels/cuda/pair_loss.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "tensor/creation.h"
#include "tensor/views.h"

namespace gw::kernels {
namespace {

void check_floating(const char* op, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw DTypeError(fmt::format("{}: expected f32 or bf16, got {}", op, name_of(x.dtype())));
}

int64_t class_dim(const Tensor& logits) { return logits.dim() == 1 ? 0 : 1; }

/// Logits with their lines in row-major order of the positions.
Tensor in_lines(const Tensor& logits) {
  return logits.is_contiguous(MemoryFormat::channels_last) ? logits : contiguous(logits);
}

/// The shape of the logits without the classes.
Shape position_shape(const char* op, const Tensor& logits) {
  check_floating(op, logits);
  if (logits.dim() == 0) throw ShapeError(fmt::format("{}: expected logits of [N, C, ...] or [C], got a scalar", op));
  Shape shape = logits.shape();
  shape.erase(class_dim(logits));
  if (logits.numel() == 0 && shape.numel() != 0)
    throw ShapeError(fmt::format("{}: expected at least one class, got inputs of {}", op, logits.shape().to_string()));
  return shape;
}

void check_class_targets(const char* op, const Tensor& logits, const Tensor& targets) {
  check_same_device(op, {&logits, &targets});
  const Shape expected = position_shape(op, logits);
  if (targets.shape() != expected)
    throw ShapeError(fmt::format("{}: inputs of {} expect targets of {}, got {}", op, logits.shape().to_string(),
                                 expected.to_string(), targets.shape().to_string()));
  if (is_floating(targets.dtype()))
    throw DTypeError(fmt::format("{}: expected classes of u8, i32 or i64, got {}", op, name_of(targets.dtype())));
}

/// The weights as contiguous f32; ShapeError unless there is one for each class.
Tensor class_weights(const char* op, const Tensor& weight, const Tensor& logits) {
  if (!weight.defined()) return weight;
  check_same_device(op, {&logits, &weight});
  const int64_t classes = logits.shape()[class_dim(logits)];
  if (weight.shape() != Shape{classes})
    throw ShapeError(fmt::format("{}: expected weights of [{}], got {}", op, classes, weight.shape().to_string()));
  return contiguous(cast(weight, DType::f32));
}

Tensor classes_of(const Tensor& targets) { return contiguous(cast(targets, DType::i64)); }

ClassLoss empty_class_loss(const Shape& positions, Reduction reduction, Device device, int64_t statistics) {
  const TensorOptions options{.device = device};
  return {empty(reduction == Reduction::none ? positions : Shape{}, options), empty({}, options),
          statistics == 0 ? Tensor{} : empty({statistics, positions.numel()}, options)};
}

bool are_probabilities(const Tensor& targets) { return is_floating(targets.dtype()); }

void check_cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0 && smoothing <= 1))
    throw ConfigError(fmt::format("cross_entropy: expected a label_smoothing of 0 to 1, got {}", smoothing));
  if (!are_probabilities(targets)) return check_class_targets("cross_entropy", logits, targets);
  check_same_device("cross_entropy", {&logits, &targets});
  if (targets.shape() != logits.shape())
    throw ShapeError(fmt::format("cross_entropy: logits of {} expect probabilities of the same shape, got {}",
                                 logits.shape().to_string(), targets.shape().to_string()));
}

/// `t` in the dtype and layout of the dense tensor `like`.
Tensor in_layout_of(const Tensor& t, const Tensor& like) {
  if (t.strides() == like.strides() && t.dtype() == like.dtype()) return t;
  const Tensor out = empty_like(like);
  copy(out, t);
  return out;
}

Tensor dense(const Tensor& x) { return x.is_dense() ? x : contiguous(x); }

/// The weights of positive answers, one for each element of x and in its layout.
Tensor expanded_weight(const Tensor& pos_weight, const Tensor& x) {
  if (!pos_weight.defined()) return pos_weight;
  const Tensor out = empty_like(x, DType::f32);
  copy(out, pos_weight);
  return out;
}

CrossEntropyOptions checked(CrossEntropyOptions options, const Tensor& logits) {
  options.weight = class_weights("cross_entropy", options.weight, logits);
  return options;
}

NllLossOptions checked(NllLossOptions options, const Tensor& x) {
  options.weight = class_weights("nll_loss", options.weight, x);
  return options;
}

}  // namespace

ClassLoss cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  const Shape positions = position_shape("cross_entropy", logits);
  check_cross_entropy(logits, targets, options);
  const CrossEntropyOptions o = checked(options, logits);
  const Tensor x = in_lines(logits);
  const LineShape lines = lines_of(x, class_dim(x));
  const ClassLoss out = empty_class_loss(positions, o.reduction, x.device(), 3);
  if (are_probabilities(targets))
    GW_DISPATCH(x, cross_entropy_of_probabilities(out, x, in_layout_of(targets, x), lines, o));
  else
    GW_DISPATCH(x, cross_entropy(out, x, classes_of(targets), lines, o));
  return out;
}

Tensor cross_entropy_backward(const Tensor& dloss, const Tensor& logits, const Tensor& targets,
                              const ClassLoss& forward, const CrossEntropyOptions& options) {
  const CrossEntropyOptions o = checked(options, logits);
  const Tensor x = in_lines(logits), g = contiguous(dloss), dx = empty_like(x);
  const LineShape lines = lines_of(x, class_dim(x));
  if (are_probabilities(targets))
    GW_DISPATCH(x, cross_entropy_of_probabilities_backward(dx, g, x, in_layout_of(targets, x), forward, lines, o));
  else
    GW_DISPATCH(x, cross_entropy_backward(dx, g, x, classes_of(targets), forward, lines, o));
  return dx;
}

ClassLoss nll_loss(const Tensor& log_probabilities, const Tensor& targets, const NllLossOptions& options) {
  check_class_targets("nll_loss", log_probabilities, targets);
  const NllLossOptions o = checked(options, log_probabilities);
  const Tensor x = in_lines(log_probabilities);
  const ClassLoss out = empty_class_loss(targets.shape(), o.reduction, x.device(), 0);
  GW_DISPATCH(x, nll_loss(out, x, classes_of(targets), lines_of(x, class_dim(x)), o));
  return out;
}

Tensor nll_loss_backward(const Tensor& dloss, const Tensor& like, const Tensor& targets, const ClassLoss& forward,
                         const NllLossOptions& options) {
  const NllLossOptions o = checked(options, like);
  const Tensor dx = in_lines(empty_like(like)), g = contiguous(dloss);
  fill(dx, 0);
  GW_DISPATCH(dx, nll_loss_backward(dx, g, classes_of(targets), forward, lines_of(dx, class_dim(dx)), o));
  return dx;
}

Tensor pair_loss(PairLoss kind, const Tensor& input, const Tensor& target, const Tensor& pos_weight,
                 Reduction reduction) {
  const Tensor x = dense(input), y = in_layout_of(target, x), weight = expanded_weight(pos_weight, x);
  const Tensor out = reduction == Reduction::none ? empty_like(x, DType::f32) : empty({}, {.device = x.device()});
  GW_DISPATCH(x, pair_loss(kind, out, x, y, weight, reduction));
  return out;
}

Tensor pair_loss_backward(PairLoss kind, const Tensor& dloss, const Tensor& input, const Tensor& target,
                          const Tensor& pos_weight, Reduction reduction) {
  const Tensor x = dense(input), y = in_layout_of(target, x), weight = expanded_weight(pos_weight, x);
  const Tensor g = reduction == Reduction::none ? in_layout_of(dloss, empty_like(x, DType::f32)) : dloss;
  const Tensor dx = empty_like(x);
  GW_DISPATCH(x, pair_loss_backward(kind, dx, g, x, y, weight, reduction));
  return dx;
}

}  // namespace gw::kernels
