#include "kernels/cpu/class_targets.h"
#include "kernels/cpu/cross_entropy.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// Calls body(position, its element, its target) for every target that is not ignored.
template <class Body>
void for_each_target(const Tensor& targets, LineShape s, int64_t ignored, const Body& body) {
  const int64_t* const target = targets.data<int64_t>();
  parallel_for(s.lines(), kParallelGrain / 4, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      if (target[p] != ignored)
        body(p, p / s.inner * s.length * s.inner + target[p] * s.inner + p % s.inner, target[p]);
  });
}

}  // namespace

void nll_loss(const ClassLoss& out, const Tensor& log_probabilities, const Tensor& targets, LineShape lines,
              const NllLossOptions& options) {
  const ClassWeights weight(options.weight);
  const double total = checked_total_weight("nll_loss", targets, lines.length, options.ignore_index, weight);
  const PositionLosses losses(out.loss, options.reduction, lines.lines());
  float* const loss = losses.values;
  std::fill_n(loss, lines.lines(), 0.0f);
  visit_floating(log_probabilities.dtype(), "nll_loss", [&](auto type) {
    using T = decltype(type);
    const T* const x = log_probabilities.data<T>();
    for_each_target(targets, lines, options.ignore_index,
                    [=](int64_t p, int64_t k, int64_t t) { loss[p] = -weight(t) * static_cast<float>(x[k]); });
  });
  reduce_losses(out, losses, options.reduction, total);
}

void nll_loss_backward(const Tensor& dx, const Tensor& dloss, const Tensor& targets, const ClassLoss& forward,
                       LineShape lines, const NllLossOptions& options) {
  const ClassWeights weight(options.weight);
  const PositionScale scale(dloss, forward, options.reduction);
  visit_floating(dx.dtype(), "nll_loss", [&](auto type) {
    using T = decltype(type);
    T* const d = dx.data<T>();
    for_each_target(targets, lines, options.ignore_index,
                    [=](int64_t p, int64_t k, int64_t t) { d[k] = T(-scale(p) * weight(t)); });
  });
}

}  // namespace gw::kernels::cpu
