// Losses of two tensors, element by element: one pass each. Memory-bound; f32 reads 8 bytes an element (12 with
// weights) and writes 4 in the passes that have a result an element.
#include "kernels/cuda/pair_loss.h"

#include "kernels/cuda/combine.h"
#include "kernels/cuda/map.h"
#include "kernels/math/losses.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// The loss of an element.
template <class Loss>
struct LossOf {
  GW_HOST_DEVICE float operator()(float x, float y, float weight = 1.0f) const { return Loss::loss(x, y, weight); }
};

/// Its derivative, times the gradient of the whole loss, which is read when the kernel runs.
template <class Loss>
struct SharedSlope {
  const float* dloss;
  float factor;
  GW_HOST_DEVICE float operator()(float x, float y, float weight = 1.0f) const {
    return *dloss * factor * Loss::slope(x, y, weight);
  }
};

/// Its derivative, times its own gradient. A thread takes one element: operands in packs would not fit its registers.
template <class Loss, class T>
__global__ void __launch_bounds__(kThreads)
    own_slopes(T* dx, const float* dloss, const T* x, const T* y, const float* weight, int64_t n) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  dx[i] = T(dloss[i] * Loss::slope(static_cast<float>(x[i]), static_cast<float>(y[i]), weight ? weight[i] : 1.0f));
}

/// out = factor * the sum of all losses. A thread adds up every so many-th pack, a block its threads, the last block
/// all blocks; reads both inputs once.
template <class Loss, int V, class T>
__global__ void __launch_bounds__(kThreads)
    sum_pair_losses(float* out, const T* x, const T* y, const float* weight, int64_t n, double factor, double* partial,
                    unsigned* counter) {
  double sums[1] = {};
  const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads * V;
  int64_t i = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * V;
#pragma unroll 2
  for (; i + V <= n; i += step) {
    const Pack<T, V> a = load_pack<V>(x + i), b = load_pack<V>(y + i);
    float few = 0;
#pragma unroll
    for (int k = 0; k < V; ++k)
      few += Loss::loss(static_cast<float>(a.at[k]), static_cast<float>(b.at[k]), weight ? weight[i + k] : 1.0f);
    sums[0] += static_cast<double>(few);
  }
  for (; i < n; ++i)
    sums[0] +=
        static_cast<double>(Loss::loss(static_cast<float>(x[i]), static_cast<float>(y[i]), weight ? weight[i] : 1.0f));
  grid_sum(sums, partial, counter, shared_memory<double>(),
           [&](const double(&total)[1]) { *out = static_cast<float>(total[0] * factor); });
}

template <class Loss, class T>
void sum_losses(const Tensor& out, const Tensor& x, const Tensor& y, const Tensor& weight, double factor) {
  constexpr int V = kPackOf<T>;
  const Device device = x.device();
  const unsigned most = static_cast<unsigned>(8 * gw::cuda::multiprocessors(device));
  const unsigned blocks = std::max(1u, std::min(blocks_for(x.numel(), int64_t{kThreads} * V), most));
  const Tensor partial = empty({int64_t{blocks}}, {.dtype = DType::i64, .device = device});
  const auto run = [&](auto kernel) {
    launch(stream_for(x), {"pair_loss", blocks, kThreads, kThreads / kWarpSize * sizeof(double)}, kernel,
           out.data<float>(), x.data<T>(), y.data<T>(), weight.defined() ? weight.data<float>() : nullptr, x.numel(),
           factor, static_cast<double*>(partial.raw()), gw::cuda::arrival_counters(device));
  };
  if (is_aligned(x.data<T>(), V) && is_aligned(y.data<T>(), V))
    run(sum_pair_losses<Loss, V, T>);
  else
    run(sum_pair_losses<Loss, 1, T>);
}

}  // namespace

void pair_loss(PairLoss kind, const Tensor& out, const Tensor& input, const Tensor& target, const Tensor& pos_weight,
               Reduction reduction) {
  visit_floating(input.dtype(), "loss", [&](auto v) {
    using T = decltype(v);
    math::with_formula(kind, [&](auto formula) {
      using Loss = decltype(formula);
      if (reduction != Reduction::none) {
        const double factor = reduction == Reduction::mean ? 1 / static_cast<double>(input.numel()) : 1.0;
        return sum_losses<Loss, T>(out, input, target, pos_weight, factor);
      }
      if (pos_weight.defined())
        map<float, T, T, float>("pair_loss", LossOf<Loss>{}, out, input, target, pos_weight);
      else
        map<float, T, T>("pair_loss", LossOf<Loss>{}, out, input, target);
    });
  });
}

void pair_loss_backward(PairLoss kind, const Tensor& dinput, const Tensor& dloss, const Tensor& input,
                        const Tensor& target, const Tensor& pos_weight, Reduction reduction) {
  const char* const kernel = "pair_loss_backward";
  visit_floating(input.dtype(), "loss", [&](auto v) {
    using T = decltype(v);
    math::with_formula(kind, [&](auto formula) {
      using Loss = decltype(formula);
      if (reduction == Reduction::none)
        return launch(stream_for(input), {kernel, blocks_for(input.numel(), kThreads), kThreads}, own_slopes<Loss, T>,
                      dinput.data<T>(), dloss.data<float>(), input.data<T>(), target.data<T>(),
                      pos_weight.defined() ? pos_weight.data<float>() : nullptr, input.numel());
      const float factor = reduction == Reduction::mean ? 1 / static_cast<float>(input.numel()) : 1.0f;
      const SharedSlope<Loss> slope{dloss.data<float>(), factor};
      if (pos_weight.defined()) return map<T, T, T, float>(kernel, slope, dinput, input, target, pos_weight);
      map<T, T, T>(kernel, slope, dinput, input, target);
    });
  });
}

}  // namespace gw::kernels::cuda
