// Differentiable activations: GeneralRelu (alone or fused with an addition) and the smooth ones. sigmoid, tanh and relu
// are methods of Tensor.
#pragma once

#include "kernels/activation.h"
#include "tensor/tensor.h"

namespace gw {

/// min((x > 0 ? x : leak * x) - sub, maxv). DTypeError for integers.
Tensor general_relu(const Tensor& x, const GeneralReluOptions& o);
/// x > 0 ? x : negative_slope * x.
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// general_relu(a + b) in one pass over memory; keeps only its output for the backward pass. ShapeError (DTypeError)
/// unless a and b have one shape (dtype).
Tensor add_general_relu(const Tensor& a, const Tensor& b, const GeneralReluOptions& o);

/// x * sigmoid(x) (Elfwing et al. 2017).
Tensor silu(const Tensor& x);
/// The two ways to compute gelu.
enum class GeluApproximation { none, tanh };
/// x * Phi(x), Phi the standard normal's distribution function, by erf or its tanh approximation (Hendrycks & Gimpel
/// 2016).
Tensor gelu(const Tensor& x, GeluApproximation approximation = GeluApproximation::none);
/// x * tanh(softplus(x)) (Misra 2019).
Tensor mish(const Tensor& x);
/// log(1 + exp(beta * x)) / beta, and x itself where beta * x > threshold. ConfigError unless beta > 0.
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);
/// x > 0 ? x : alpha * (exp(x) - 1) (Clevert et al. 2015).
Tensor elu(const Tensor& x, double alpha = 1);
/// x limited to [min, max]. ConfigError if min > max.
Tensor hardtanh(const Tensor& x, double min = -1, double max = 1);

}  // namespace gw
