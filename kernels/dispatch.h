// Picks the side that computes: the implementations of a kernel family stand in kernels/cpu and kernels/cuda under the
// same names.
#pragma once

#include "tensor/tensor.h"

/// Calls cpu::CALL or cuda::CALL, both of namespace gw::kernels, by the device of a tensor. A macro, because no
/// function can paste a namespace in front of a name. Builds without CUDA hold no CUDA tensors, so there the CPU's side
/// is the only one.
#if GROUNDWORK_CUDA
#define GW_DISPATCH(tensor, ...) ((tensor).device().is_cuda() ? cuda::__VA_ARGS__ : cpu::__VA_ARGS__)
#else
#define GW_DISPATCH(tensor, ...) (cpu::__VA_ARGS__)
#endif

namespace gw::kernels {

/// DeviceError, naming `op`, unless all defined tensors are on one device.
void check_same_device(const char* op, std::initializer_list<const Tensor*> tensors);

}  // namespace gw::kernels
