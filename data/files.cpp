#include "data/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tensor/error.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

class Search {
 public:
  explicit Search(const std::vector<std::string>& extensions) {
    for (const std::string& e : extensions) extensions_.push_back(lower(e));
  }

  void enter(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (!error && !entered_.insert(real.native()).second) return;
    fs::directory_iterator it(folder, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) look_at(it->path());
    if (error) throw IoError(fmt::format("find_files: {}: {}", folder.native(), error.message()));
  }

  std::vector<std::string> found;

 private:
  void look_at(const fs::path& path) {
    if (path.filename().native().starts_with('.')) return;
    std::error_code error;
    const fs::file_status status = fs::status(path, error);  // of a link: what it points to; a broken one is skipped
    if (fs::is_directory(status)) return enter(path);
    if (fs::is_regular_file(status) && is_wanted(path)) found.push_back(path.native());
  }

  bool is_wanted(const fs::path& path) const {
    if (extensions_.empty()) return true;
    const std::string name = lower(path.filename().native());
    return std::any_of(extensions_.begin(), extensions_.end(), [&](const std::string& e) { return name.ends_with(e); });
  }

  std::vector<std::string> extensions_;
  std::set<std::string> entered_;
};

}  // namespace

const std::vector<std::string>& image_extensions() {
  static const std::vector<std::string> extensions = {".png", ".jpg", ".jpeg"};
  return extensions;
}

std::vector<std::string> find_files(const std::string& root, const std::vector<std::string>& extensions) {
  Search search(extensions);
  search.enter(root);
  std::sort(search.found.begin(), search.found.end());
  return std::move(search.found);
}

}  // namespace gw
