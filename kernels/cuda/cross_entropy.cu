// Cross-entropy, each pass one launch. A team of threads takes a line of logits (see lines.h). The forward pass reads
// the logits once from memory, keeps what the backward pass needs (12 bytes a line), and sums the losses: each block
// its own, the last one all. The backward pass reads the logits and writes their gradients. The formulas stand in
// kernels/cpu/cross_entropy.cpp.
#include "kernels/cuda/cross_entropy.h"

#include "kernels/cuda/class_targets.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/lines.h"

namespace gw::kernels::cuda {
namespace {

/// The three rows of ClassLoss::statistics.
struct StatisticRows {
  float *max, *log_sum, *softmax_weight;

  explicit StatisticRows(const Tensor& t)
      : max(t.data<float>()), log_sum(max + t.shape()[1]), softmax_weight(log_sum + t.shape()[1]) {}
};

/// Label smoothing s: the share 1 - s of the target itself, and s / C of each class.
struct Smoothing {
  float hard, soft;

  Smoothing(double smoothing, int64_t classes)
      : hard(static_cast<float>(1 - smoothing)), soft(static_cast<float>(smoothing / static_cast<double>(classes))) {}
};

template <int V, Team kTeam, class T>
__global__ void cross_entropy_lines(const T* logits, ClassTargets targets, ClassWeights weight, Smoothing smoothing,
                                    StatisticRows rows, LossSum::Device losses, LineTeam<kTeam> team) {
  double sums[2] = {};
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    const SoftmaxStatistics line = softmax_statistics<V>(team, place, logits);
    const float log_sum = math::log(line.sum);
    float smooth = 0, all_weights = static_cast<float>(team.shape.length);
    if (smoothing.soft != 0) {
      float weights = 0;
      team.template for_each<V>(
          place,
          [&](int64_t, int64_t c, const Pack<float, V>& x) {
#pragma unroll
            for (int i = 0; i < V; ++i) {
              const float w = weight(c + i);
              smooth += w * (line.max - x.at[i]);
              weights += w;
            }
          },
          logits);
      smooth = team.sum(smooth);
      all_weights = team.sum(weights);
    }
    if (!place.there || place.rank != 0) continue;
    const int64_t t = targets(place.line);
    const bool counts = t != ClassTargets::kNone;
    const float class_weight = counts ? weight(t) : 0.0f, target_weight = smoothing.hard * class_weight;
    rows.max[place.line] = line.max;
    rows.log_sum[place.line] = log_sum;
    rows.softmax_weight[place.line] = counts ? target_weight + smoothing.soft * all_weights : 0.0f;
    float loss = 0;
    if (counts) {
      const int64_t k = place.offset + t * (kTeam == Team::columns ? team.shape.inner : 1);
      loss = target_weight * (line.max - static_cast<float>(logits[k]) + log_sum);
      if (smoothing.soft != 0) loss += smoothing.soft * (smooth + all_weights * log_sum);
    }
    losses.add(sums, place.line, loss, class_weight);
  }
  losses.finish(sums, shared_memory<double>());
}

template <int V, Team kTeam, class T>
__global__ void cross_entropy_lines_backward(T* dlogits, const T* logits, ClassTargets targets, ClassWeights weight,
                                             Smoothing smoothing, StatisticRows rows, PositionScale scale,
                                             LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    if (!place.there) continue;
    const int64_t t = targets(place.line);
    const bool counts = t != ClassTargets::kNone;
    const float factor = counts ? scale(place.line) : 0.0f, max = rows.max[place.line];
    // exp(x - max) is at most 1 and its sum at least 1, so that dividing in advance loses nothing.
    const float of_softmax =
        counts ? factor * rows.softmax_weight[place.line] * math::exp(-rows.log_sum[place.line]) : 0.0f;
    const float of_classes = factor * smoothing.soft, of_target = counts ? factor * smoothing.hard * weight(t) : 0.0f;
    team.template for_each<V>(
        place,
        [&](int64_t k, int64_t c, const Pack<float, V>& x) {
          float d[V];
#pragma unroll
          for (int i = 0; i < V; ++i) {
            d[i] = of_softmax * math::exp(x.at[i] - max);
            if (smoothing.soft != 0) d[i] -= of_classes * weight(c + i);
            if (c + i == t) d[i] -= of_target;
          }
          store_pack<V>(dlogits + k, d);
        },
        logits);
  }
}

template <int V, Team kTeam, class T>
__global__ void cross_entropy_of_probabilities_lines(const T* logits, const T* probabilities, ClassWeights weight,
                                                     Smoothing smoothing, StatisticRows rows, LossSum::Device losses,
                                                     LineTeam<kTeam> team) {
  double sums[2] = {};
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    const SoftmaxStatistics line = softmax_statistics<V>(team, place, logits);
    float weighted_sum = 0, loss = 0;
    team.template for_each<V>(
        place,
        [&](int64_t, int64_t c, const Pack<float, V>& x, const Pack<float, V>& q) {
#pragma unroll
          for (int i = 0; i < V; ++i) {
            const float weighted = weight(c + i) * (smoothing.hard * q.at[i] + smoothing.soft);
            weighted_sum += weighted;
            loss += weighted * (line.max - x.at[i]);
          }
        },
        logits, probabilities);
    weighted_sum = team.sum(weighted_sum);
    loss = team.sum(loss);
    if (!place.there || place.rank != 0) continue;
    const float log_sum = math::log(line.sum);
    rows.max[place.line] = line.max;
    rows.log_sum[place.line] = log_sum;
    rows.softmax_weight[place.line] = weighted_sum;
    losses.add(sums, place.line, loss + weighted_sum * log_sum, 1.0f);
  }
  losses.finish(sums, shared_memory<double>());
}

template <int V, Team kTeam, class T>
__global__ void cross_entropy_of_probabilities_lines_backward(T* dlogits, const T* logits, const T* probabilities,
                                                              ClassWeights weight, Smoothing smoothing,
                                                              StatisticRows rows, PositionScale scale,
                                                              LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    if (!place.there) continue;
    const float factor = scale(place.line), max = rows.max[place.line];
    const float of_softmax = factor * rows.softmax_weight[place.line] * math::exp(-rows.log_sum[place.line]);
    team.template for_each<V>(
        place,
        [&](int64_t k, int64_t c, const Pack<float, V>& x, const Pack<float, V>& q) {
          float d[V];
#pragma unroll
          for (int i = 0; i < V; ++i)
            d[i] = of_softmax * math::exp(x.at[i] - max) -
                   factor * weight(c + i) * (smoothing.hard * q.at[i] + smoothing.soft);
          store_pack<V>(dlogits + k, d);
        },
        logits, probabilities);
  }
}

constexpr int kThreads = 256;

/// A thread takes every so many-th position: 8 bytes of target, one element of x, 4 bytes of loss.
template <class T>
__global__ void __launch_bounds__(kThreads)
    nll_positions(const T* x, ClassTargets targets, ClassWeights weight, LineShape s, LossSum::Device losses) {
  double sums[2] = {};
  const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t p = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; p < s.lines(); p += step) {
    const int64_t t = targets(p);
    const bool counts = t != ClassTargets::kNone;
    const float w = counts ? weight(t) : 0.0f;
    const int64_t k = (p / s.inner * s.length + t) * s.inner + p % s.inner;
    losses.add(sums, p, counts ? -w * static_cast<float>(x[k]) : 0.0f, w);
  }
  losses.finish(sums, shared_memory<double>());
}

/// A thread writes the one gradient of a position that is not zero.
template <class T>
__global__ void __launch_bounds__(kThreads)
    nll_positions_backward(T* dx, ClassTargets targets, ClassWeights weight, LineShape s, PositionScale scale) {
  const int64_t p = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (p >= s.lines()) return;
  const int64_t t = targets(p);
  if (t == ClassTargets::kNone) return;
  dx[(p / s.inner * s.length + t) * s.inner + p % s.inner] = T(-scale(p) * weight(t));
}

/// What a mean over no positions is: 0 / 0.
void write_empty(const ClassLoss& out, Reduction reduction) {
  fill(out.total_weight, 0);
  if (reduction != Reduction::none)
    fill(out.loss, reduction == Reduction::mean ? std::numeric_limits<double>::quiet_NaN() : 0.0);
}

/// Calls run(T{}, team, V, shape) for the lines of tensors of one dtype.
template <class Run>
void for_lines(const char* kernel, LineShape lines, std::initializer_list<const Tensor*> tensors, const Run& run) {
  const Tensor& first = **tensors.begin();
  visit_floating(first.dtype(), "cross_entropy", [&](auto v) {
    using T = decltype(v);
    const bool aligned = std::all_of(tensors.begin(), tensors.end(),
                                     [](const Tensor* t) { return is_aligned(t->data<T>(), kPackOf<T>); });
    with_line_team<T>(kernel, first.device(), lines, aligned,
                      [&](const auto& team, auto pack, const LaunchShape& shape) { run(v, team, pack, shape); });
  });
}

}  // namespace

void cross_entropy(const ClassLoss& out, const Tensor& logits, const Tensor& targets, LineShape lines,
                   const CrossEntropyOptions& o) {
  if (lines.lines() == 0) return write_empty(out, o.reduction);
  for_lines("cross_entropy", lines, {&logits},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              const LossSum sum(out, o.reduction, s.grid.x);
              launch(stream_for(logits), s, cross_entropy_lines<pack, kTeam, T>, logits.data<T>(),
                     ClassTargets(targets, lines.length, o.ignore_index), ClassWeights(o.weight),
                     Smoothing(o.label_smoothing, lines.length), StatisticRows(out.statistics), sum.device(), team);
            });
}

void cross_entropy_backward(const Tensor& dlogits, const Tensor& dloss, const Tensor& logits, const Tensor& targets,
                            const ClassLoss& forward, LineShape lines, const CrossEntropyOptions& o) {
  for_lines("cross_entropy_backward", lines, {&logits, &dlogits},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              launch(stream_for(logits), s, cross_entropy_lines_backward<pack, kTeam, T>, dlogits.data<T>(),
                     logits.data<T>(), ClassTargets(targets, lines.length, o.ignore_index), ClassWeights(o.weight),
                     Smoothing(o.label_smoothing, lines.length), StatisticRows(forward.statistics),
                     PositionScale(dloss, forward, o.reduction), team);
            });
}

void cross_entropy_of_probabilities(const ClassLoss& out, const Tensor& logits, const Tensor& targets, LineShape lines,
                                    const CrossEntropyOptions& o) {
  if (lines.lines() == 0) return write_empty(out, o.reduction);
  for_lines("cross_entropy_of_probabilities", lines, {&logits, &targets},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              const LossSum sum(out, o.reduction, s.grid.x);
              launch(stream_for(logits), s, cross_entropy_of_probabilities_lines<pack, kTeam, T>, logits.data<T>(),
                     targets.data<T>(), ClassWeights(o.weight), Smoothing(o.label_smoothing, lines.length),
                     StatisticRows(out.statistics), sum.device(), team);
            });
}

void cross_entropy_of_probabilities_backward(const Tensor& dlogits, const Tensor& dloss, const Tensor& logits,
                                             const Tensor& targets, const ClassLoss& forward, LineShape lines,
                                             const CrossEntropyOptions& o) {
  for_lines("cross_entropy_of_probabilities_backward", lines, {&logits, &targets, &dlogits},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              launch(stream_for(logits), s, cross_entropy_of_probabilities_lines_backward<pack, kTeam, T>,
                     dlogits.data<T>(), logits.data<T>(), targets.data<T>(), ClassWeights(o.weight),
                     Smoothing(o.label_smoothing, lines.length), StatisticRows(forward.statistics),
                     PositionScale(dloss, forward, o.reduction), team);
            });
}

void nll_loss(const ClassLoss& out, const Tensor& log_probabilities, const Tensor& targets, LineShape lines,
              const NllLossOptions& o) {
  if (lines.lines() == 0) return write_empty(out, o.reduction);
  const unsigned most = static_cast<unsigned>(8 * gw::cuda::multiprocessors(targets.device()));
  const unsigned blocks = std::min(blocks_for(lines.lines(), kThreads), most);
  visit_floating(log_probabilities.dtype(), "nll_loss", [&](auto v) {
    using T = decltype(v);
    const LossSum sum(out, o.reduction, blocks);
    launch(stream_for(targets), {"nll_loss", blocks, kThreads, kThreads / kWarpSize * sizeof(double)}, nll_positions<T>,
           log_probabilities.data<T>(), ClassTargets(targets, lines.length, o.ignore_index), ClassWeights(o.weight),
           lines, sum.device());
  });
}

void nll_loss_backward(const Tensor& dx, const Tensor& dloss, const Tensor& targets, const ClassLoss& forward,
                       LineShape lines, const NllLossOptions& o) {
  visit_floating(dx.dtype(), "nll_loss", [&](auto v) {
    using T = decltype(v);
    launch(stream_for(dx), {"nll_loss_backward", blocks_for(lines.lines(), kThreads), kThreads},
           nll_positions_backward<T>, dx.data<T>(), ClassTargets(targets, lines.length, o.ignore_index),
           ClassWeights(o.weight), lines, PositionScale(dloss, forward, o.reduction));
  });
}

}  // namespace gw::kernels::cuda
