// Fused optimizer steps: one pass over all parameters, their gradients and their statistics.
#pragma once

#include <span>

#include "kernels/math/optimizer.h"
#include "tensor/tensor.h"

namespace gw::kernels {

/// One parameter of a fused step. All its tensors are f32, of one shape, with the same gapless strides.
struct OptimizerTensors {
  Tensor param;
  Tensor grad;
  Tensor average;          ///< momentum buffer, or Adam's m; undefined without momentum
  Tensor average_squared;  ///< Adam's, LAMB's or RMSProp's v; undefined for the others
  int64_t row = 0;         ///< which row of the hypers tensor it follows
};

/// A step of SGD on every entry, with momentum for those that have an `average`. `hypers` is f32 [rows, 7] on the
/// parameters' device, each row a math::SgdHypers. It is read when the kernel runs, so that a recorded launch can be
/// repeated with other values. Reads param and grad (and average) once and writes param (and average) once: 12 (20)
/// bytes an element. Bumps the versions of what it writes. ShapeError, DTypeError or DeviceError for tensors that do
/// not fit together.
void sgd_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);

/// A step of Adam on every entry. `hypers` is f32 [rows, 8], each row a math::AdamHypers. 28 bytes an element.
void adam_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);

/// A step of RMSProp on every entry, with momentum for those that have an `average`. `hypers` is f32 [rows, 7], each
/// row a math::RmsPropHypers. 20 (28) bytes an element.
void rmsprop_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);

/// A step of LAMB on every entry. `hypers` is f32 [rows, 8], each row a math::LambHypers. Two passes, because a
/// parameter moves by the ratio of two norms over the whole of it: 40 bytes an element. The norms are summed up in an
/// order that depends on the sizes only.
void lamb_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);

/// A step of LARS on every entry, its `average` being the momentum buffer. `hypers` is f32 [rows, 5], each row a
/// math::LarsHypers. Two passes, 28 bytes an element.
void lars_step(std::span<const OptimizerTensors> tensors, const Tensor& hypers);

}  // namespace gw::kernels
