#include "kernels/metrics.h"

#include <fmt/format.h>

#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "kernels/reduce.h"
#include "tensor/creation.h"

#if GROUNDWORK_CUDA
#include "kernels/cuda/metrics.h"
#endif

namespace gw::kernels {

Tensor count_correct(const Tensor& logits, const Tensor& targets) {
  if (logits.dim() != 2 || targets.dim() != 1 || logits.size(0) != targets.size(0))
    throw ShapeError(fmt::format("count_correct: expected logits [N, C] and targets [N], got {} and {}",
                                 logits.shape().to_string(), targets.shape().to_string()));
  if (targets.dtype() != DType::i64)
    throw DTypeError(fmt::format("count_correct: expected i64 targets, got {}", name_of(targets.dtype())));
#if GROUNDWORK_CUDA
  if (logits.device().is_cuda() && logits.numel() > 0 && is_floating(logits.dtype())) {
    check_same_device("count_correct", {&logits, &targets});
    const Tensor count = empty({}, {.dtype = DType::i64, .device = logits.device()});
    cuda::count_correct(count, contiguous(logits), contiguous(targets));
    return count;
  }
#endif
  return sum(binary(Binary::eq, argmax(logits, 1), targets));
}

}  // namespace gw::kernels
