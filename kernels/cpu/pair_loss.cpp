#include "kernels/cpu/pair_loss.h"

#include <vector>

#include "kernels/math/losses.h"
#include "kernels/parallel.h"

namespace gw::kernels::cpu {
namespace {

/// Elements of one task, whose sum goes to its own place. Fixed, so that the result does not depend on the number of
/// threads.
constexpr int64_t kBlock = 4096;
/// Elements that are added up in f32 before they go into a double: few enough that rounding stays small.
constexpr int64_t kRun = 256;

template <class Loss, class T>
double sum_of_losses(const T* x, const T* y, const float* weight, int64_t n) {
  const int64_t blocks = (n + kBlock - 1) / kBlock;
  std::vector<double> partial(static_cast<size_t>(blocks));
  parallel_for(blocks, kParallelGrain / kBlock, [&](int64_t first, int64_t last) {
    for (int64_t b = first * kBlock; b < std::min(n, last * kBlock); b += kRun) {
      const int64_t count = std::min(n - b, kRun);
      float losses[kRun];
      for (int64_t i = 0; i < count; ++i)
        losses[i] =
            Loss::loss(static_cast<float>(x[b + i]), static_cast<float>(y[b + i]), weight ? weight[b + i] : 1.0f);
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < count; ++i) sum += losses[i];
      partial[static_cast<size_t>(b / kBlock)] += sum;
    }
  });
  double total = 0;
  for (const double p : partial) total += p;
  return total;
}

}  // namespace

void pair_loss(PairLoss kind, const Tensor& out, const Tensor& input, const Tensor& target, const Tensor& pos_weight,
               Reduction reduction) {
  const int64_t n = input.numel();
  const float* const weight = pos_weight.defined() ? pos_weight.data<float>() : nullptr;
  float* const result = out.data<float>();
  visit_floating(input.dtype(), "loss", [&](auto type) {
    using T = decltype(type);
    const T* const x = input.data<T>();
    const T* const y = target.data<T>();
    math::with_formula(kind, [&](auto formula) {
      using Loss = decltype(formula);
      if (reduction != Reduction::none) {
        const double sum = sum_of_losses<Loss>(x, y, weight, n);
        *result = static_cast<float>(reduction == Reduction::mean ? sum / static_cast<double>(n) : sum);
        return;
      }
      parallel_for(n, kParallelGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          result[i] = Loss::loss(static_cast<float>(x[i]), static_cast<float>(y[i]), weight ? weight[i] : 1.0f);
      });
    });
  });
}

void pair_loss_backward(PairLoss kind, const Tensor& dinput, const Tensor& dloss, const Tensor& input,
                        const Tensor& target, const Tensor& pos_weight, Reduction reduction) {
  const int64_t n = input.numel();
  const float* const weight = pos_weight.defined() ? pos_weight.data<float>() : nullptr;
  const float* const g = dloss.data<float>();
  const float factor = reduction == Reduction::mean ? 1 / static_cast<float>(n) : 1.0f;
  visit_floating(input.dtype(), "loss", [&](auto type) {
    using T = decltype(type);
    const T* const x = input.data<T>();
    const T* const y = target.data<T>();
    T* const d = dinput.data<T>();
    math::with_formula(kind, [&](auto formula) {
      using Loss = decltype(formula);
      const auto slope = [=](int64_t i) {
        return Loss::slope(static_cast<float>(x[i]), static_cast<float>(y[i]), weight ? weight[i] : 1.0f);
      };
      parallel_for(n, kParallelGrain, [=](int64_t begin, int64_t end) {
        if (reduction == Reduction::none) {
          for (int64_t i = begin; i < end; ++i) d[i] = T(g[i] * slope(i));
          return;
        }
        const float shared = g[0] * factor;
        for (int64_t i = begin; i < end; ++i) d[i] = T(shared * slope(i));
      });
    });
  });
}

}  // namespace gw::kernels::cpu
