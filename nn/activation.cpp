#include "nn/activation.h"

#include <fmt/format.h>

namespace gw {

std::string GeneralRelu::extra_repr() const {
  std::string text = fmt::format("leak={:g}, sub={:g}", options.leak, options.sub);
  if (options.maxv) text += fmt::format(", maxv={:g}", *options.maxv);
  return text;
}

std::string LeakyReLU::extra_repr() const { return fmt::format("negative_slope={:g}", options.leak); }

std::string GELU::extra_repr() const {
  return fmt::format("approximate='{}'", approximation == GeluApproximation::tanh ? "tanh" : "none");
}

}  // namespace gw
