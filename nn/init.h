// Initialisation of weights, in place and without recording. The values depend on the generator and the shape only, not
// on layout or device.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace gw::init {

/// Which side of a layer keeps its variance.
enum class FanMode { fan_in, fan_out };
/// What follows the layer.
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu };

/// How many inputs an output sums up, and how many outputs an input reaches: weight [out, in, ...] -> {in * rest,
/// out * rest}. ShapeError below two dimensions.
std::pair<int64_t, int64_t> fan_in_and_out(const Tensor& weight);
/// The factor by which weights make up for the nonlinearity: sqrt(2 / (1 + a^2)) for leaky ReLU of slope a.
double calculate_gain(Nonlinearity nonlinearity, double a = 0);

void zeros_(const Tensor& t);
void ones_(const Tensor& t);
/// Uniform in [low, high).
void uniform_(const Tensor& t, double low = 0, double high = 1, Generator& generator = default_generator());
void normal_(const Tensor& t, double mean = 0, double std = 1, Generator& generator = default_generator());

struct KaimingOptions {
  double a = 0;  ///< slope of leaky ReLU below zero
  FanMode mode = FanMode::fan_in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
  std::optional<double> gain = {};  ///< instead of the nonlinearity's
};

/// Variance gain^2 / fan (He et al., "Delving deep into rectifiers", 2015).
void kaiming_uniform_(const Tensor& weight, KaimingOptions o = {}, Generator& generator = default_generator());
void kaiming_normal_(const Tensor& weight, KaimingOptions o = {}, Generator& generator = default_generator());

/// Variance 2 gain^2 / (fan_in + fan_out) (Glorot & Bengio, "Understanding the difficulty of training deep feedforward
/// neural networks", 2010).
void xavier_uniform_(const Tensor& weight, double gain = 1, Generator& generator = default_generator());
void xavier_normal_(const Tensor& weight, double gain = 1, Generator& generator = default_generator());

/// PyTorch's default for linear and convolutional layers: weight and bias uniform in +-1 / sqrt(fan_in). The bias may
/// be undefined.
void default_(const Tensor& weight, const Tensor& bias, Generator& generator = default_generator());

}  // namespace gw::init
