// Random fills on the GPU. The outputs are contiguous, their arguments checked.
#pragma once

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace gw::kernels::cuda {

void uniform(const Tensor& out, double low, double high, PhiloxState state);
void normal(const Tensor& out, double mean, double std, PhiloxState state);
/// low + an integer in [0, range).
void random_integers(const Tensor& out, int64_t low, uint64_t range, PhiloxState state);

}  // namespace gw::kernels::cuda
