#include "tensor/device.h"

#include <fmt/format.h>

#include <charconv>

#include "tensor/error.h"

namespace gw {

std::string Device::to_string() const { return is_cpu() ? "cpu" : fmt::format("cuda:{}", index); }

Device device_from_name(std::string_view name) {
  if (name == "cpu") return kCpu;
  if (name == "cuda" || name.starts_with("cuda:")) {
    int index = 0;
    if (name.size() > 4) {
      const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
      if (error != std::errc{} || end != name.data() + name.size() || index < 0)
        throw ConfigError(fmt::format("device: expected cpu, cuda or cuda:N, got '{}'", name));
    }
    throw DeviceError(fmt::format("device: '{}' was asked for, but this build of Groundwork has no CUDA", name));
  }
  throw ConfigError(fmt::format("device: expected cpu, cuda or cuda:N, got '{}'", name));
}

}  // namespace gw
