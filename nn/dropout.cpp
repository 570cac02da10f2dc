#include "nn/dropout.h"

#include <fmt/format.h>

#include "autograd/dropout.h"

namespace gw {

Dropout::Dropout(double probability) : p(probability) {
  if (!(p >= 0 && p <= 1)) throw ConfigError(fmt::format("Dropout: expected a probability in [0, 1], got {:g}", p));
}

Tensor Dropout::forward(const Tensor& x) { return dropout(x, p, is_training()); }
Tensor Dropout2d::forward(const Tensor& x) { return dropout2d(x, p, is_training()); }
std::string Dropout::extra_repr() const { return fmt::format("p={:g}", p); }

}  // namespace gw
