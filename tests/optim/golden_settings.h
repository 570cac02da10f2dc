// Reading the golden files of optimizers and schedules.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tensor/safetensors.h"

namespace gw::test {

/// The files of tests/golden/FOLDER, in the order of their names.
inline std::vector<std::string> golden_files(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(GROUNDWORK_SOURCE_DIR "/tests/golden/" + folder))
    if (entry.path().extension() == ".safetensors") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

inline nlohmann::json json_of(const SafetensorsFile& file, const std::string& key) {
  return nlohmann::json::parse(file.metadata.at(key));
}

}  // namespace gw::test
