// Folders of pictures: the input is a list of paths, a line each, that are made below a folder: an empty file, after
// "@" a link to the folder itself, after "!" a small picture. Any of them give items or an Error.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/image_items.h"
#include "tensor/error.h"
#include "tests/fuzz/input_file.h"

namespace {

namespace fs = std::filesystem;

/// A path below the folder; empty if the line is none.
fs::path below(const fs::path& folder, const std::string& line) {
  if (line.empty() || line.size() > 200 || line.find('\0') != std::string::npos) return {};
  const fs::path path = fs::path(line).relative_path();
  for (const fs::path& part : path)
    if (part == "..") return {};
  return path.empty() ? path : folder / path;
}

void make(const fs::path& folder, const std::string& line) {
  const bool link = line.starts_with('@'), picture = line.starts_with('!');
  const fs::path path = below(folder, line.substr(link || picture ? 1 : 0));
  if (path.empty()) return;
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  if (link)
    fs::create_directory_symlink(folder, path, ignored);
  else
    std::ofstream(path) << (picture ? "\x89PNG\r\n\x1a\n" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  // In memory where that can be: thousands of folders come and go.
  static const fs::path home = fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
  static const fs::path folder = home / ("fuzz_folder_" + std::to_string(getpid()));
  constexpr int kMostLines = 12;
  fs::remove_all(folder);
  fs::create_directory(folder);
  std::istringstream lines(std::string(reinterpret_cast<const char*>(bytes), size));
  std::string line;
  for (int i = 0; i < kMostLines && std::getline(lines, line); ++i) make(folder, line);
  for (const auto unseen : {gw::Categories::Unseen::error, gw::Categories::Unseen::unknown}) {
    gw::DataBlock block;
    block.unseen = unseen;
    try {
      const gw::ImageItemsPair items = block.items(folder.string());
      if (items.train.size() == 0 || items.valid.size() == 0 || items.train.classes.size() < 2) std::abort();
      items.train.spread(3);
    } catch (const gw::Error&) {
    }
  }
  fs::remove_all(folder);
  return 0;
}
