#include "kernels/metrics.h"

#include <fmt/format.h>

#include "kernels/elementwise.h"
#include "kernels/reduce.h"

namespace gw::kernels {

Tensor count_correct(const Tensor& logits, const Tensor& targets) {
  if (logits.dim() != 2 || targets.dim() != 1 || logits.size(0) != targets.size(0))
    throw ShapeError(fmt::format("count_correct: expected logits [N, C] and targets [N], got {} and {}",
                                 logits.shape().to_string(), targets.shape().to_string()));
  if (targets.dtype() != DType::i64)
    throw DTypeError(fmt::format("count_correct: expected i64 targets, got {}", name_of(targets.dtype())));
  return sum(binary(Binary::eq, argmax(logits, 1), targets));
}

}  // namespace gw::kernels
