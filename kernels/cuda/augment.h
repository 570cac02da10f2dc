// The GPU's side of kernels/augment.h. Batches are channels-last, their arguments checked.
#pragma once

#include "kernels/augment.h"

namespace gw::kernels::cuda {

/// `statistics`: f32 [4], as BatchStatistics; x dense and not empty.
void batch_statistics(const Tensor& statistics, const Tensor& x);
void random_erase(const Tensor& x, const PatchOptions& o, const Tensor& statistics, PhiloxState patches,
                  PhiloxState noise);
/// y is of x's layout.
void random_copy(const Tensor& y, const Tensor& x, const PatchOptions& o, PhiloxState patches);

}  // namespace gw::kernels::cuda
