// The GPU's activations. All tensors of a call are dense and laid out alike, of one floating dtype.
#pragma once

#include "kernels/activation.h"

namespace gw::kernels::cuda {

void general_relu(const Tensor& y, const Tensor& x, const GeneralReluOptions& o);
void general_relu_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const GeneralReluOptions& o);
void general_relu_backward_from_output(const Tensor& dx, const Tensor& dy, const Tensor& y,
                                       const GeneralReluOptions& o);
void add_general_relu(const Tensor& y, const Tensor& a, const Tensor& b, const GeneralReluOptions& o);
void activation(Activation f, const Tensor& y, const Tensor& x, ActivationParams p);
void activation_backward(Activation f, const Tensor& dx, const Tensor& dy, const Tensor& x, ActivationParams p);

}  // namespace gw::kernels::cuda
