#include "data/categories.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <regex>
#include <set>

#include "tensor/error.h"

namespace gw {
namespace {

constexpr const char* kUnknown = "unknown";

}  // namespace

std::string parent_label(const std::string& path) {
  return std::filesystem::path(path).parent_path().filename().native();
}

Labeler regex_label(const std::string& expression) {
  std::shared_ptr<const std::regex> regex;
  try {
    regex = std::make_shared<std::regex>(expression);
  } catch (const std::regex_error& error) {
    throw ConfigError(fmt::format("regex_label: '{}' is no regular expression: {}", expression, error.what()));
  }
  if (regex->mark_count() == 0)
    throw ConfigError(fmt::format("regex_label: expected a group (...) in '{}', got none", expression));
  return [regex, expression](const std::string& path) {
    const std::string name = std::filesystem::path(path).filename().native();
    std::smatch match;
    if (!std::regex_search(name, match, *regex))
      throw ConfigError(fmt::format("regex_label: '{}' finds nothing in {}", expression, path));
    return match[1].str();
  };
}

Categories::Categories(const std::vector<std::string>& labels, Unseen unseen) : unseen_(unseen) {
  const std::set<std::string> different(labels.begin(), labels.end());
  names_.assign(different.begin(), different.end());
  if (unseen == Unseen::unknown && !different.contains(kUnknown)) names_.emplace_back(kUnknown);
  for (size_t i = 0; i < names_.size(); ++i) index_.emplace(names_[i], static_cast<int64_t>(i));
}

int64_t Categories::index_of(const std::string& label) const {
  if (const auto it = index_.find(label); it != index_.end()) return it->second;
  if (unseen_ == Unseen::unknown) return index_.at(kUnknown);
  constexpr size_t kShown = 20;
  throw ConfigError(fmt::format(
      "Categories: '{}' is none of the {} labels of the training items: {}{}", label, size(),
      fmt::join(names_.begin(), names_.begin() + static_cast<ptrdiff_t>(std::min(kShown, names_.size())), ", "),
      names_.size() > kShown ? ", ..." : ""));
}

std::vector<int64_t> Categories::indices_of(const std::vector<std::string>& labels) const {
  std::vector<int64_t> indices;
  indices.reserve(labels.size());
  for (const std::string& label : labels) indices.push_back(index_of(label));
  return indices;
}

}  // namespace gw
