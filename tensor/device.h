// Device: where a tensor's bytes are.
#pragma once

#include <string>
#include <string_view>

namespace gw {

enum class DeviceType { cpu, cuda };

/// "cpu", or one of the CUDA devices, "cuda:0", "cuda:1", ...
struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;

  bool is_cpu() const { return type == DeviceType::cpu; }
  bool is_cuda() const { return type == DeviceType::cuda; }
  bool operator==(const Device&) const = default;
  std::string to_string() const;
};

inline constexpr Device kCpu{};

/// Parses "cpu", "cuda" or "cuda:N". ConfigError for other text; DeviceError for a device that this build or machine
/// lacks.
Device device_from_name(std::string_view name);

}  // namespace gw
