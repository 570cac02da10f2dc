// Softmax on the GPU. All tensors are dense, of one dtype and one layout (but for the missing dimension of those
// with one element a line, which stand in the order of the lines).
#pragma once

#include "kernels/lines.h"

namespace gw::kernels::cuda {

void softmax(const Tensor& y, const Tensor& x, LineShape lines);
void softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, LineShape lines);
void log_softmax(const Tensor& y, const Tensor& x, LineShape lines);
void log_softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, LineShape lines);
void logsumexp(const Tensor& y, const Tensor& x, LineShape lines);
void logsumexp_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y, LineShape lines);

}  // namespace gw::kernels::cuda
