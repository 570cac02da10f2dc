// Includes run one way: train -> data, optim, nn -> autograd -> kernels -> tensor.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;
using Folders = std::set<std::string>;

const std::map<std::string, Folders> kAllowed = {
    {"tensor", {"tensor"}},
    {"kernels", {"tensor", "kernels"}},
    {"autograd", {"tensor", "kernels", "autograd"}},
    {"nn", {"tensor", "kernels", "autograd", "nn"}},
    {"optim", {"tensor", "kernels", "autograd", "nn", "optim"}},
    {"data", {"tensor", "kernels", "autograd", "nn", "data"}},
    {"train", {"tensor", "kernels", "autograd", "nn", "optim", "data", "train"}},
};

/// The folders that a file includes from, for those of the map above.
Folders included_folders(const fs::path& file) {
  static const std::regex include(R"(^\s*#include\s+"([a-z_]+)/)");
  Folders folders;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_search(line, match, include) && kAllowed.count(match[1])) folders.insert(match[1]);
  }
  return folders;
}

TEST(Layering, IncludesRunOneWay) {
  int files = 0;
  for (const auto& [folder, allowed] : kAllowed) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(GROUNDWORK_SOURCE_DIR) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu") continue;
      ++files;
      for (const std::string& included : included_folders(entry.path()))
        EXPECT_TRUE(allowed.count(included)) << entry.path() << " includes from " << included;
    }
  }
  EXPECT_GT(files, 50);
}

}  // namespace
