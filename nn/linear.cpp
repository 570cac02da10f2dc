#include "nn/linear.h"

#include <fmt/format.h>

#include "autograd/matmul.h"
#include "nn/init.h"
#include "tensor/creation.h"

namespace gw {

Linear::Linear(int64_t in_features, int64_t out_features, bool with_bias)
    : weight(register_parameter("weight", empty({out_features, in_features}))),
      bias(register_parameter("bias", with_bias ? empty({out_features}) : Tensor{})) {
  init::default_(weight, bias);
}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias); }

std::string Linear::extra_repr() const {
  return fmt::format("in_features={}, out_features={}, bias={}", weight.size(1), weight.size(0),
                     bias.defined() ? "True" : "False");
}

}  // namespace gw
