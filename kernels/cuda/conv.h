// Convolution on the GPU, by cuDNN.
#pragma once

#include "kernels/batch_moments.h"
#include "kernels/conv_shape.h"
#include "tensor/tensor.h"

namespace gw::kernels::cuda {

// All tensors are on one GPU and channels-last; activations share one floating dtype, weights and bias are floating,
// gradients of parameters f32. An undefined bias or db is left out. cuDNN
// finds no moments.
void conv_forward(const ConvShape& s, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& y,
                  BatchMoments* moments = nullptr);
void conv_backward_input(const ConvShape& s, const Tensor& dy, const Tensor& w, const Tensor& dx);
void conv_backward_weight(const ConvShape& s, const Tensor& x, const Tensor& dy, const Tensor& dw, const Tensor& db);

}  // namespace gw::kernels::cuda
