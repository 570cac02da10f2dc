// The golden files of schedules, optimizers and layers (their layouts: tests/golden/training_files.py), for suites that
// run one test a file.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tensor/safetensors.h"

namespace gw {

/// The names, without their ending, of the files in a folder of tests/golden.
inline std::vector<std::string> golden_names(const std::string& folder) {
  std::vector<std::string> names;
  const std::filesystem::path path = std::filesystem::path(GROUNDWORK_SOURCE_DIR) / "tests/golden" / folder;
  for (const auto& entry : std::filesystem::directory_iterator(path)) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

inline SafetensorsFile load_golden(const std::string& folder, const std::string& name) {
  return load_safetensors(GROUNDWORK_SOURCE_DIR "/tests/golden/" + folder + "/" + name + ".safetensors");
}

/// A field of the metadata that holds JSON.
inline nlohmann::json golden_json(const SafetensorsFile& file, const std::string& field) {
  return nlohmann::json::parse(file.metadata.at(field));
}

/// The tensors named PREFIX.KEY, under KEY.
inline NamedTensors golden_group(const SafetensorsFile& file, const std::string& prefix) {
  NamedTensors group;
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(prefix + ".")) group.emplace_back(name.substr(prefix.size() + 1), tensor);
  return group;
}

/// Shows parameterised tests by their file's name.
inline std::string golden_test_name(const testing::TestParamInfo<std::string>& info) { return info.param; }

}  // namespace gw
