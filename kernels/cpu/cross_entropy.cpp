#include "kernels/cpu/cross_entropy.h"

#include "kernels/cpu/class_targets.h"
#include "kernels/cpu/lines.h"

namespace gw::kernels::cpu {
namespace {

/// The three rows of ClassLoss::statistics.
struct StatisticRows {
  float* max;
  float* log_sum;
  float* softmax_weight;

  explicit StatisticRows(const Tensor& t)
      : max(t.data<float>()), log_sum(max + t.shape()[1]), softmax_weight(log_sum + t.shape()[1]) {}
};

/// Computes the first two rows for a strip of lines.
template <class T>
void write_statistics(const T* x, LineShape lines, Strip strip, StatisticRows rows) {
  LineStatistics line;
  strip_statistics(x, lines, strip.width, line);
  for (int64_t i = 0; i < strip.width; ++i) {
    rows.max[strip.line + i] = line.max[i];
    rows.log_sum[strip.line + i] = math::log(line.sum[i]);
  }
}

}  // namespace

// With smoothing s, weights w and W their sum, the loss of target t is
//   (1 - s) w_t (-log p_t) + s / C sum_c w_c (-log p_c),   where -log p_c = max + log_sum - x_c,
// and its gradient ((1 - s) w_t + s / C W) p_c - s / C w_c, less (1 - s) w_t where c = t.
void cross_entropy(const ClassLoss& out, const Tensor& logits, const Tensor& targets, LineShape lines,
                   const CrossEntropyOptions& options) {
  const int64_t classes = lines.length, ignored = options.ignore_index;
  const ClassWeights weight(options.weight);
  const double total = checked_total_weight("cross_entropy", targets, classes, ignored, weight);
  const float hard = static_cast<float>(1 - options.label_smoothing);
  const float soft = static_cast<float>(options.label_smoothing / static_cast<double>(classes));
  const float all_weights = weight.sum(classes);
  const int64_t* const target = targets.data<int64_t>();
  const StatisticRows rows(out.statistics);
  const PositionLosses losses(out.loss, options.reduction, lines.lines());
  float* const loss = losses.values;

  visit_floating(logits.dtype(), "cross_entropy", [&](auto type) {
    using T = decltype(type);
    const T* const start = logits.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const x = start + strip.offset;
      write_statistics(x, lines, strip, rows);
      float smooth[kStripWidth] = {};
      if (soft != 0)
        sum_strip(lines, strip.width, smooth, [&](int64_t k, int64_t i, int64_t c) {
          return weight(c) * (rows.max[strip.line + i] - static_cast<float>(x[k]));
        });
      for (int64_t i = 0; i < strip.width; ++i) {
        const int64_t p = strip.line + i, t = target[p];
        const bool counts = t != ignored;
        const float target_weight = counts ? hard * weight(t) : 0.0f;
        const float logit = counts ? static_cast<float>(x[t * lines.inner + i]) : 0.0f;
        const float log_sum = rows.log_sum[p];
        rows.softmax_weight[p] = counts ? target_weight + soft * all_weights : 0.0f;
        loss[p] = counts ? target_weight * (rows.max[p] - logit + log_sum) : 0.0f;
        if (counts && soft != 0) loss[p] += soft * (smooth[i] + all_weights * log_sum);
      }
    });
  });
  reduce_losses(out, losses, options.reduction, total);
}

void cross_entropy_backward(const Tensor& dlogits, const Tensor& dloss, const Tensor& logits, const Tensor& targets,
                            const ClassLoss& forward, LineShape lines, const CrossEntropyOptions& options) {
  const int64_t classes = lines.length, ignored = options.ignore_index;
  const ClassWeights weight(options.weight);
  const float hard = static_cast<float>(1 - options.label_smoothing);
  const float soft = static_cast<float>(options.label_smoothing / static_cast<double>(classes));
  const int64_t* const target = targets.data<int64_t>();
  const StatisticRows rows(forward.statistics);
  const PositionScale scale(dloss, forward, options.reduction);

  visit_floating(logits.dtype(), "cross_entropy", [&](auto type) {
    using T = decltype(type);
    const T* const start = logits.data<T>();
    T* const gradients = dlogits.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const x = start + strip.offset;
      T* const d = gradients + strip.offset;
      float max[kStripWidth], of_softmax[kStripWidth], of_classes[kStripWidth];
      for (int64_t i = 0; i < strip.width; ++i) {
        const int64_t p = strip.line + i;
        const bool counts = target[p] != ignored;
        max[i] = rows.max[p];
        // exp(x - max) is at most 1 and its sum at least 1, so that dividing in advance loses nothing.
        of_softmax[i] = counts ? scale(p) * rows.softmax_weight[p] * math::exp(-rows.log_sum[p]) : 0.0f;
        of_classes[i] = counts ? scale(p) * soft : 0.0f;
      }
      const auto gradient = [&](int64_t k, int64_t i, int64_t c) {
        return of_softmax[i] * math::exp(static_cast<float>(x[k]) - max[i]) - of_classes[i] * weight(c);
      };
      for_each_in_strip(lines, strip.width, [&](int64_t k, int64_t i, int64_t c) { d[k] = T(gradient(k, i, c)); });
      for (int64_t i = 0; i < strip.width; ++i) {
        const int64_t p = strip.line + i, t = target[p];
        if (t == ignored) continue;
        const int64_t k = t * lines.inner + i;
        d[k] = T(gradient(k, i, t) - scale(p) * hard * weight(t));
      }
    });
  });
}

// The loss of target probabilities q, smoothed to (1 - s) q + s / C, is sum_c w_c q_c (-log p_c), and its gradient
// (sum_c w_c q_c) p_c - w_c q_c.
void cross_entropy_of_probabilities(const ClassLoss& out, const Tensor& logits, const Tensor& targets, LineShape lines,
                                    const CrossEntropyOptions& options) {
  const ClassWeights weight(options.weight);
  const float hard = static_cast<float>(1 - options.label_smoothing);
  const float soft = static_cast<float>(options.label_smoothing / static_cast<double>(lines.length));
  const StatisticRows rows(out.statistics);
  const PositionLosses losses(out.loss, options.reduction, lines.lines());
  float* const loss = losses.values;

  visit_floating(logits.dtype(), "cross_entropy", [&](auto type) {
    using T = decltype(type);
    const T* const start = logits.data<T>();
    const T* const probabilities = targets.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const x = start + strip.offset;
      const T* const q = probabilities + strip.offset;
      write_statistics(x, lines, strip, rows);
      const auto weighted = [&](int64_t k, int64_t c) { return weight(c) * (hard * static_cast<float>(q[k]) + soft); };
      float* const total = rows.softmax_weight + strip.line;
      sum_strip(lines, strip.width, total, [&](int64_t k, int64_t, int64_t c) { return weighted(k, c); });
      float* const l = loss + strip.line;
      sum_strip(lines, strip.width, l, [&](int64_t k, int64_t i, int64_t c) {
        return weighted(k, c) * (rows.max[strip.line + i] - static_cast<float>(x[k]));
      });
      for (int64_t i = 0; i < strip.width; ++i) l[i] += total[i] * rows.log_sum[strip.line + i];
    });
  });
  reduce_losses(out, losses, options.reduction, static_cast<double>(lines.lines()));
}

void cross_entropy_of_probabilities_backward(const Tensor& dlogits, const Tensor& dloss, const Tensor& logits,
                                             const Tensor& targets, const ClassLoss& forward, LineShape lines,
                                             const CrossEntropyOptions& options) {
  const ClassWeights weight(options.weight);
  const float hard = static_cast<float>(1 - options.label_smoothing);
  const float soft = static_cast<float>(options.label_smoothing / static_cast<double>(lines.length));
  const StatisticRows rows(forward.statistics);
  const PositionScale scale(dloss, forward, options.reduction);

  visit_floating(logits.dtype(), "cross_entropy", [&](auto type) {
    using T = decltype(type);
    const T* const start = logits.data<T>();
    const T* const probabilities = targets.data<T>();
    T* const gradients = dlogits.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const x = start + strip.offset;
      const T* const q = probabilities + strip.offset;
      T* const d = gradients + strip.offset;
      float max[kStripWidth], of_softmax[kStripWidth], of_classes[kStripWidth];
      for (int64_t i = 0; i < strip.width; ++i) {
        const int64_t p = strip.line + i;
        max[i] = rows.max[p];
        of_softmax[i] = scale(p) * rows.softmax_weight[p] * math::exp(-rows.log_sum[p]);
        of_classes[i] = scale(p);
      }
      for_each_in_strip(lines, strip.width, [&](int64_t k, int64_t i, int64_t c) {
        const float target = weight(c) * (hard * static_cast<float>(q[k]) + soft);
        d[k] = T(of_softmax[i] * math::exp(static_cast<float>(x[k]) - max[i]) - of_classes[i] * target);
      });
    });
  });
}

}  // namespace gw::kernels::cpu
