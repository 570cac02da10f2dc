// Checks backward passes against finite differences.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gw {

struct GradcheckOptions {
  double eps = 1e-2;   ///< step of the central difference; f32 arithmetic wants a large one
  double rtol = 1e-2;  ///< allowed error, relative to the largest gradient of the input
  double atol = 1e-3;  ///< allowed error beside it
};

/// Compares the gradients that backward() gives for f's inputs with central differences, (f(x + eps) - f(x - eps)) / 2
/// eps, of the sum of f's output weighted by fixed random numbers. `inputs` are f32; those that require a gradient are
/// checked. Returns an empty text if all agree, else one that names the input, the element and both values. ConfigError
/// if no input requires a gradient.
std::string gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
                      GradcheckOptions options = {});

}  // namespace gw
