#include "data/split.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "tensor/creation.h"
#include "tensor/error.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

const Split& with_both_sides(const Split& split, const std::string& wanted) {
  if (split.train.empty() || split.valid.empty())
    throw ConfigError(fmt::format("split: expected {}, got {} items for training and {} for validation", wanted,
                                  split.train.size(), split.valid.size()));
  return split;
}

/// By the name that `name_of` takes from a path.
Split split_by_name(const std::vector<std::string>& paths, const std::string& train,
                    const std::vector<std::string>& valid, const char* what,
                    const std::function<std::string(const fs::path&)>& name_of) {
  Split split;
  for (size_t i = 0; i < paths.size(); ++i) {
    const std::string name = name_of(paths[i]);
    if (name == train) split.train.push_back(static_cast<int64_t>(i));
    if (std::find(valid.begin(), valid.end(), name) != valid.end()) split.valid.push_back(static_cast<int64_t>(i));
  }
  return with_both_sides(
      split, fmt::format("files with a {} {} and others with one of {}", what, train, fmt::join(valid, ", ")));
}

}  // namespace

Split split_by_grandparent(const std::vector<std::string>& paths, const std::string& train,
                           const std::vector<std::string>& valid) {
  return split_by_name(paths, train, valid, "grandparent folder",
                       [](const fs::path& p) { return p.parent_path().parent_path().filename().native(); });
}

Split split_by_parent(const std::vector<std::string>& paths, const std::string& train,
                      const std::vector<std::string>& valid) {
  return split_by_name(paths, train, valid, "folder",
                       [](const fs::path& p) { return p.parent_path().filename().native(); });
}

Split split_randomly(int64_t count, double valid_share, Generator& generator) {
  if (!(valid_share > 0 && valid_share < 1))
    throw ConfigError(fmt::format("split_randomly: expected a share between 0 and 1, got {}", valid_share));
  const std::vector<int64_t> order = randperm(count, generator).to_vector<int64_t>();
  const auto valid = std::max<int64_t>(1, std::llround(static_cast<double>(count) * valid_share));
  Split split;
  split.valid.assign(order.begin(), order.begin() + std::min(valid, count));
  split.train.assign(order.begin() + std::min(valid, count), order.end());
  std::sort(split.valid.begin(), split.valid.end());
  std::sort(split.train.begin(), split.train.end());
  return with_both_sides(split, "at least two items");
}

Split split_where(const std::vector<std::string>& paths, const std::function<bool(const std::string&)>& is_valid) {
  Split split;
  for (size_t i = 0; i < paths.size(); ++i)
    (is_valid(paths[i]) ? split.valid : split.train).push_back(static_cast<int64_t>(i));
  return with_both_sides(split, "a predicate that holds for some files and not for others");
}

}  // namespace gw
