#include "tensor/device.h"

#include <fmt/format.h>

#include <charconv>

#include "tensor/cuda.h"
#include "tensor/error.h"

namespace gw {

std::string Device::to_string() const { return is_cpu() ? "cpu" : fmt::format("cuda:{}", index); }

namespace {

/// DeviceError unless CUDA device `index` is there.
void check_there(std::string_view name, int index) {
#if GROUNDWORK_CUDA
  if (index < cuda::device_count()) return;
  throw DeviceError(
      fmt::format("device: '{}' was asked for, but this machine has {} CUDA devices", name, cuda::device_count()));
#else
  throw DeviceError(
      fmt::format("device: '{}' was asked for, but this build of Groundwork has no CUDA (no device {})", name, index));
#endif
}

}  // namespace

Device device_from_name(std::string_view name) {
  if (name == "cpu") return kCpu;
  if (name == "cuda" || name.starts_with("cuda:")) {
    int index = 0;
    if (name.size() > 4) {
      const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
      if (error != std::errc{} || end != name.data() + name.size() || index < 0)
        throw ConfigError(fmt::format("device: expected cpu, cuda or cuda:N, got '{}'", name));
    }
    check_there(name, index);
    return {DeviceType::cuda, index};
  }
  throw ConfigError(fmt::format("device: expected cpu, cuda or cuda:N, got '{}'", name));
}

}  // namespace gw
