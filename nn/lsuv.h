// Layer-sequential unit-variance initialisation.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace gw {

struct LsuvOptions {
  double tolerance = 1e-3;  ///< how near to 0 and 1 mean and deviation come
  int64_t max_steps = 50;   ///< per layer
};

/// What LSUV made of a layer.
struct LsuvLayer {
  std::string name;
  double mean, std;  ///< of its output, at last
  int64_t steps;     ///< how often it was changed
  bool has_bias;     ///< without one the mean stays what it is
};

/// Goes through the model's linear and convolutional layers in their order; divides the weights of each by the standard
/// deviation of its output on the batch x, and subtracts the output's mean from its bias, until both are within the
/// tolerance of 1 and 0 (Mishkin and Matas, "All you need is a good init", 2015; with means as in fast.ai's lesson 11).
/// The output of a layer is taken behind the GeneralRelu that directly follows it in a Sequential, if that subtracts
/// anything: others cannot have a mean of 0. Buffers, such as running statistics, and the default generator are as
/// before when it returns.
std::vector<LsuvLayer> lsuv(Module& model, const Tensor& x, const LsuvOptions& o = {});

}  // namespace gw
