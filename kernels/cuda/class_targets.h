// What the CUDA kernels of cross_entropy and nll_loss share: weights of classes, targets that are none, and how losses
// are put together.
#pragma once

#include "kernels/cuda/combine.h"
#include "kernels/losses.h"
#include "tensor/creation.h"

namespace gw::kernels::cuda {

/// The weight of each class: 1 where none are given.
struct ClassWeights {
  const float* values;

  explicit ClassWeights(const Tensor& weight) : values(weight.defined() ? weight.data<float>() : nullptr) {}
  __device__ float operator()(int64_t c) const { return values ? values[c] : 1.0f; }
};

/// The target of each position.
struct ClassTargets {
  static constexpr int64_t kNone = -1;
  const int64_t* values;
  int64_t classes, ignored;
  int* fault;

  ClassTargets(const Tensor& targets, int64_t classes, int64_t ignored)
      : values(targets.data<int64_t>()),
        classes(classes),
        ignored(ignored),
        fault(gw::cuda::fault_address(targets.device())) {}
  /// The target, or kNone where it is to be ignored or is no class; the latter is reported.
  __device__ int64_t operator()(int64_t position) const {
    const int64_t t = values[position];
    if (t == ignored) return kNone;
    if (t >= 0 && t < classes) return t;
    *fault = static_cast<int>(gw::cuda::Fault::target_out_of_range);
    return kNone;
  }
};

/// Where the losses of the positions go: to their own places, or into a sum over all blocks, which the last block
/// writes.
class LossSum {
 public:
  LossSum(const ClassLoss& out, Reduction reduction, unsigned blocks)
      : loss_(out.loss.data<float>()),
        total_weight_(out.total_weight.data<float>()),
        partial_(empty({2 * int64_t{blocks}}, {.dtype = DType::i64, .device = out.loss.device()})),
        counter_(gw::cuda::arrival_counters(out.loss.device())),
        reduction_(reduction) {}

  /// The kernel's part.
  struct Device {
    float *loss, *total_weight;
    double* partial;
    unsigned* counter;
    Reduction reduction;

    /// Takes the loss of a position and its target's weight; `sums` are the calling thread's.
    __device__ void add(double (&sums)[2], int64_t position, float value, float weight) const {
      if (reduction == Reduction::none) loss[position] = value;
      sums[0] += static_cast<double>(value);
      sums[1] += static_cast<double>(weight);
    }
    /// Writes the result. All threads of all blocks must call it.
    __device__ void finish(double (&sums)[2], double* scratch) const {
      grid_sum(sums, partial, counter, scratch, [&](const double(&total)[2]) {
        *total_weight = static_cast<float>(total[1]);
        if (reduction != Reduction::none)
          *loss = static_cast<float>(reduction == Reduction::mean ? total[0] / total[1] : total[0]);
      });
    }
  };
  Device device() const { return {loss_, total_weight_, static_cast<double*>(partial_.raw()), counter_, reduction_}; }

 private:
  float *loss_, *total_weight_;
  Tensor partial_;
  unsigned* counter_;
  Reduction reduction_;
};

/// The factor of a position's loss in the whole loss, times the gradient of that. Read when the kernel runs.
struct PositionScale {
  const float* dloss;
  const float* total_weight;  // null unless the loss is a mean
  int64_t step;

  PositionScale(const Tensor& gradient, const ClassLoss& forward, Reduction reduction)
      : dloss(gradient.data<float>()),
        total_weight(reduction == Reduction::mean ? forward.total_weight.data<float>() : nullptr),
        step(reduction == Reduction::none ? 1 : 0) {}
  __device__ float operator()(int64_t position) const {
    return dloss[position * step] * (total_weight ? 1 / *total_weight : 1.0f);
  }
};

}  // namespace gw::kernels::cuda
