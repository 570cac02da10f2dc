// What cross_entropy and nll_loss share: weights of classes, checking of targets, and the reduction of the losses.
#pragma once

#include <fmt/format.h>

#include "kernels/losses.h"

namespace gw::kernels::cpu {

/// The weight of each class: 1 where none are given.
struct ClassWeights {
  const float* values;

  explicit ClassWeights(const Tensor& weight) : values(weight.defined() ? weight.data<float>() : nullptr) {}
  float operator()(int64_t c) const { return values ? values[c] : 1.0f; }
  float sum(int64_t classes) const {
    double total = 0;
    for (int64_t c = 0; c < classes; ++c) total += (*this)(c);
    return static_cast<float>(total);
  }
};

/// The summed weight of all targets that are not ignored. ShapeError for one that is no class.
inline double checked_total_weight(const char* op, const Tensor& targets, int64_t classes, int64_t ignore_index,
                                   ClassWeights weight) {
  const int64_t* const target = targets.data<int64_t>();
  double total = 0;
  for (int64_t p = 0; p < targets.numel(); ++p) {
    if (target[p] == ignore_index) continue;
    if (target[p] < 0 || target[p] >= classes)
      throw ShapeError(
          fmt::format("{}: target {} (element {}) is not one of the {} classes", op, target[p], p, classes));
    total += weight(target[p]);
  }
  return total;
}

/// Where the losses of the single positions go: `out` itself, or a buffer that reduce_losses() sums.
struct PositionLosses {
  std::vector<float> buffer;
  float* values;

  PositionLosses(const Tensor& out, Reduction reduction, int64_t positions) {
    if (reduction != Reduction::none) buffer.resize(static_cast<size_t>(positions));
    values = reduction == Reduction::none ? out.data<float>() : buffer.data();
  }
};

inline void reduce_losses(const ClassLoss& out, const PositionLosses& losses, Reduction reduction,
                          double total_weight) {
  *out.total_weight.data<float>() = static_cast<float>(total_weight);
  if (reduction == Reduction::none) return;
  double sum = 0;
  for (const float loss : losses.buffer) sum += loss;
  *out.loss.data<float>() = static_cast<float>(reduction == Reduction::mean ? sum / total_weight : sum);
}

/// The factor of a position's loss in the whole loss, times the gradient of that.
struct PositionScale {
  const float* dloss;
  int64_t step;
  float factor;

  PositionScale(const Tensor& gradient, const ClassLoss& forward, Reduction reduction)
      : dloss(gradient.data<float>()),
        step(reduction == Reduction::none ? 1 : 0),
        factor(reduction == Reduction::mean ? 1 / *forward.total_weight.data<float>() : 1.0f) {}
  float operator()(int64_t position) const { return dloss[position * step] * factor; }
};

}  // namespace gw::kernels::cpu
