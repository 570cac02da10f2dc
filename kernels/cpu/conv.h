// Convolution on the CPU: four implementations behind one rule.
#pragma once

#include "kernels/batch_moments.h"
#include "kernels/conv_shape.h"
#include "tensor/tensor.h"

namespace gw::kernels::cpu {

/// The ways to convolve.
enum class ConvMethod {
  direct,       ///< our own kernels, direct_conv.h
  tiles,        ///< our own for tile registers, tile_conv.h; for bf16
  pixel_tiles,  ///< the same for wide grids, pixel_conv.h
  onednn,       ///< oneDNN's convolution primitives
  im2col,       ///< im2col and a matrix product
};

enum class ConvPass { forward, backward_input, backward_weight };

/// What computes a convolution: a rule on shape, dtype and processor, never on timing, so that runs repeat.
ConvMethod choose_conv_method(const ConvShape& s, ConvPass pass, DType dtype);

// All tensors are on the CPU and channels-last; activations share one floating dtype, weights and bias are floating,
// gradients of parameters f32. An undefined bias or db is left out. `moments`, unless null, is set by the methods for
// tiles.
void conv_forward(const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& y,
                  BatchMoments* moments = nullptr);
void conv_backward_input(const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx);
void conv_backward_weight(const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw, const Tensor& db);

// The same by a given method; the tests and benchmarks compare them.
void conv_forward(ConvMethod m, const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias,
                  const Tensor& y, BatchMoments* moments = nullptr);
void conv_backward_input(ConvMethod m, const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx);
void conv_backward_weight(ConvMethod m, const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw,
                          const Tensor& db);

}  // namespace gw::kernels::cpu
