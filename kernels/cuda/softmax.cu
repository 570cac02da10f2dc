// Softmax and its relatives. Each kernel gives a line of the tensor to a team of threads (see lines.h): the first pass
// over a line finds its maximum and sum, the second, whose reads the caches serve, writes the result. Of the device's
// memory each reads its inputs and writes its result once.
#include "kernels/cuda/softmax.h"

#include "kernels/cuda/lines.h"
#include "kernels/math/functions.h"

namespace gw::kernels::cuda {
namespace {

/// y = exp(x - max) / sum, or for the logarithm x - max - log(sum).
template <bool kLog, int V, Team kTeam, class T>
__global__ void softmax_lines(T* y, const T* x, LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    const SoftmaxStatistics line = softmax_statistics<V>(team, place, x);
    const float factor = 1 / line.sum, log_sum = kLog ? math::log(line.sum) : 0.0f;
    team.template for_each<V>(
        place,
        [&](int64_t k, int64_t, const Pack<float, V>& p) {
          float result[V];
#pragma unroll
          for (int i = 0; i < V; ++i)
            result[i] = kLog ? p.at[i] - line.max - log_sum : math::exp(p.at[i] - line.max) * factor;
          store_pack<V>(y + k, result);
        },
        x);
  }
}

/// dx = y (dy - sum(y dy)), or for the logarithm dx = dy - exp(y) sum(dy).
template <bool kLog, int V, Team kTeam, class T>
__global__ void softmax_lines_backward(T* dx, const T* dy, const T* y, LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    float share = 0;
    team.template for_each<V>(
        place,
        [&](int64_t, int64_t, const Pack<float, V>& g, const Pack<float, V>& p) {
#pragma unroll
          for (int i = 0; i < V; ++i) share += kLog ? g.at[i] : g.at[i] * p.at[i];
        },
        dy, y);
    const float sum = team.sum(share);
    team.template for_each<V>(
        place,
        [&](int64_t k, int64_t, const Pack<float, V>& g, const Pack<float, V>& p) {
          float result[V];
#pragma unroll
          for (int i = 0; i < V; ++i) result[i] = kLog ? g.at[i] - math::exp(p.at[i]) * sum : p.at[i] * (g.at[i] - sum);
          store_pack<V>(dx + k, result);
        },
        dy, y);
  }
}

/// y = max + log(sum) for each line. Where the maximum is infinite the result is that, or NaN if one is in the line.
template <int V, Team kTeam, class T>
__global__ void logsumexp_lines(T* y, const T* x, LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    const SoftmaxStatistics line = softmax_statistics<V>(team, place, x);
    float any_nan = 0;
    if (line.max - line.max != 0)
      team.template for_each<V>(
          place,
          [&](int64_t, int64_t, const Pack<float, V>& p) {
            for (int i = 0; i < V; ++i) any_nan += p.at[i] != p.at[i];
          },
          x);
    any_nan = team.sum(any_nan);
    if (!place.there || place.rank != 0) continue;
    const bool finite = line.max - line.max == 0;
    y[place.line] = T(any_nan != 0 ? std::numeric_limits<float>::quiet_NaN()
                      : finite     ? line.max + math::log(line.sum)
                                   : line.max);
  }
}

/// dx = dy exp(x - y), and nothing where y is minus infinity.
template <int V, Team kTeam, class T>
__global__ void logsumexp_lines_backward(T* dx, const T* dy, const T* x, const T* y, LineTeam<kTeam> team) {
  for (int64_t group = blockIdx.x; group < team.groups(); group += gridDim.x) {
    const LinePlace place = team.place(group);
    const float log_sum = static_cast<float>(y[place.line]);
    const bool none = log_sum == -std::numeric_limits<float>::infinity();
    const float g = none ? 0.0f : static_cast<float>(dy[place.line]), base = none ? 0.0f : log_sum;
    team.template for_each<V>(
        place,
        [&](int64_t k, int64_t, const Pack<float, V>& p) {
          float result[V];
#pragma unroll
          for (int i = 0; i < V; ++i) result[i] = g * math::exp(p.at[i] - base);
          store_pack<V>(dx + k, result);
        },
        x);
  }
}

/// Calls run(T{}, team, V, shape) for tensors of one dtype, whose lines are those of `lines`.
template <class Run>
void for_lines(const char* kernel, LineShape lines, std::initializer_list<const Tensor*> tensors, const Run& run) {
  const Tensor& first = **tensors.begin();
  visit_floating(first.dtype(), kernel, [&](auto v) {
    using T = decltype(v);
    const bool aligned = std::all_of(tensors.begin(), tensors.end(),
                                     [](const Tensor* t) { return is_aligned(t->data<T>(), kPackOf<T>); });
    with_line_team<T>(kernel, first.device(), lines, aligned,
                      [&](const auto& team, auto pack, const LaunchShape& shape) { run(v, team, pack, shape); });
  });
}

template <bool kLog>
void forward(const char* kernel, const Tensor& y, const Tensor& x, LineShape lines) {
  for_lines(kernel, lines, {&y, &x},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              launch(stream_for(x), s, softmax_lines<kLog, pack, kTeam, T>, y.data<T>(), x.data<T>(), team);
            });
}

template <bool kLog>
void backward(const char* kernel, const Tensor& dx, const Tensor& dy, const Tensor& y, LineShape lines) {
  for_lines(kernel, lines, {&dx, &dy, &y},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              launch(stream_for(y), s, softmax_lines_backward<kLog, pack, kTeam, T>, dx.data<T>(), dy.data<T>(),
                     y.data<T>(), team);
            });
}

}  // namespace

void softmax(const Tensor& y, const Tensor& x, LineShape lines) { forward<false>("softmax", y, x, lines); }
void log_softmax(const Tensor& y, const Tensor& x, LineShape lines) { forward<true>("log_softmax", y, x, lines); }
void softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, LineShape lines) {
  backward<false>("softmax_backward", dx, dy, y, lines);
}
void log_softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, LineShape lines) {
  backward<true>("log_softmax_backward", dx, dy, y, lines);
}

void logsumexp(const Tensor& y, const Tensor& x, LineShape lines) {
  for_lines("logsumexp", lines, {&x},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              launch(stream_for(x), s, logsumexp_lines<pack, kTeam, T>, y.data<T>(), x.data<T>(), team);
            });
}

void logsumexp_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y, LineShape lines) {
  for_lines("logsumexp_backward", lines, {&dx, &x},
            [&]<class T, Team kTeam>(T, LineTeam<kTeam> team, auto pack, const LaunchShape& s) {
              launch(stream_for(x), s, logsumexp_lines_backward<pack, kTeam, T>, dx.data<T>(), dy.data<T>(),
                     x.data<T>(), y.data<T>(), team);
            });
}

}  // namespace gw::kernels::cuda
