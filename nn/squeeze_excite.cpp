#include "nn/squeeze_excite.h"

#include <fmt/format.h>

#include <algorithm>

#include "autograd/pool.h"

namespace gw {
namespace {

int64_t narrowed(int64_t channels, int64_t reduction) {
  constexpr int64_t kLeast = 4;
  if (channels < 1 || reduction < 1)
    throw ConfigError(fmt::format("SqueezeExcite: expected positive numbers, got {} channels and a reduction of {}",
                                  channels, reduction));
  return std::max(kLeast, channels / reduction);
}

}  // namespace

SqueezeExcite::SqueezeExcite(int64_t channels, int64_t reduction)
    : fc1(register_module("fc1", std::make_shared<Linear>(channels, narrowed(channels, reduction)))),
      fc2(register_module("fc2", std::make_shared<Linear>(narrowed(channels, reduction), channels))) {}

Tensor SqueezeExcite::forward(const Tensor& x) {
  const Tensor factors = (*fc2)((*fc1)(global_avg_pool(x)).relu()).sigmoid();
  return x * factors.reshape({x.size(0), x.size(1), 1, 1});
}

}  // namespace gw
