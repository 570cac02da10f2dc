#include "nn/conv2d.h"

#include <fmt/format.h>

#include "nn/init.h"
#include "tensor/creation.h"

namespace gw {
namespace {

Tensor empty_weight(int64_t in_channels, int64_t out_channels, Size2 kernel_size, int64_t groups) {
  if (groups < 1 || in_channels % groups != 0 || out_channels % groups != 0)
    throw ConfigError(fmt::format("Conv2d: expected groups to divide {} input and {} output channels, got {}",
                                  in_channels, out_channels, groups));
  return empty({out_channels, in_channels / groups, kernel_size.h, kernel_size.w}, {}, MemoryFormat::channels_last);
}

std::string pair(Size2 size) { return fmt::format("({}, {})", size.h, size.w); }

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Size2 kernel_size, ConvOptions o, bool with_bias)
    : options(o),
      weight(register_parameter("weight", empty_weight(in_channels, out_channels, kernel_size, o.groups))),
      bias(register_parameter("bias", with_bias ? empty({out_channels}) : Tensor{})) {
  init::default_(weight, bias);
}

Tensor Conv2d::forward_with_moments(const Tensor& x, BatchMoments* moments) const {
  return conv2d(x, weight, bias, options, moments);
}

std::string Conv2d::extra_repr() const {
  std::string text = fmt::format("{}, {}, kernel_size={}, stride={}", weight.size(1) * options.groups, weight.size(0),
                                 pair({weight.size(2), weight.size(3)}), pair(options.stride));
  if (options.padding != Size2(0)) text += ", padding=" + pair(options.padding);
  if (options.dilation != Size2(1)) text += ", dilation=" + pair(options.dilation);
  if (options.groups != 1) text += fmt::format(", groups={}", options.groups);
  if (!bias.defined()) text += ", bias=False";
  return text;
}

}  // namespace gw
