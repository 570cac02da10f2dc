// Fused optimizer steps of the CPU, on checked arguments.
#pragma once

#include "kernels/optimizer.h"

namespace gw::kernels::cpu {

void sgd_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);
void adam_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);
void rmsprop_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);
void lamb_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);
void lars_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);

}  // namespace gw::kernels::cpu
