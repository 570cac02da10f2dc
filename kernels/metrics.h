// Figures that are summed up on the device while training runs.
#pragma once

#include "tensor/tensor.h"

namespace gw::kernels {

/// Number of rows of `logits` [N, C] (f32 or bf16) whose largest element stands at the place that `targets` [N] (i64)
/// names: an i64 scalar on the device. ShapeError for other shapes, DTypeError for other targets.
Tensor count_correct(const Tensor& logits, const Tensor& targets);

}  // namespace gw::kernels
