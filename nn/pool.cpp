#include "nn/pool.h"

#include <fmt/format.h>

namespace gw {
namespace {

std::string pair(Size2 size) { return fmt::format("({}, {})", size.h, size.w); }

std::string describe(const PoolOptions& o) {
  return fmt::format("kernel_size={}, stride={}, padding={}, ceil_mode={}", pair(o.kernel),
                     pair(o.stride == Size2(0) ? o.kernel : o.stride), pair(o.padding), o.ceil_mode ? "True" : "False");
}

}  // namespace

std::string AvgPool2d::extra_repr() const { return describe(options.windows()); }
std::string MaxPool2d::extra_repr() const { return describe(options); }
std::string AdaptiveAvgPool2d::extra_repr() const { return "output_size=" + pair(output_size); }

}  // namespace gw
