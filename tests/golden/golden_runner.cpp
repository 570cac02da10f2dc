// golden_runner [--device cpu|cuda] [--layouts] DIR...
//
// Runs every golden case (DIR/*.safetensors) against the engine, names each failure with its largest error, and ends
// with "N passed, N failed, N skipped". Exits 1 if any failed, 2 for bad usage. Cases are skipped only where the device
// is not there. With --layouts each case also runs on inputs in channels-last memory and on strided views.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "golden_case.h"
#include "tensor/error.h"

namespace {

namespace fs = std::filesystem;
using golden::Layout;

struct Arguments {
  std::string device = "cpu";
  bool layouts = false;
  std::vector<std::string> paths;
};

struct Counts {
  int passed = 0, failed = 0, skipped = 0;
};

/// The arguments, or nothing for bad usage.
std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--device" && i + 1 < argc) {
      arguments.device = argv[++i];
    } else if (word.starts_with("--device=")) {
      arguments.device = word.substr(9);
    } else if (word == "--layouts") {
      arguments.layouts = true;
    } else if (word.starts_with("-")) {
      return {};
    } else {
      arguments.paths.push_back(word);
    }
  }
  if (arguments.paths.empty()) return {};
  return arguments;
}

/// The cases of a folder in the order of their names; a file stands for itself.
std::vector<fs::path> cases_in(const fs::path& path) {
  if (fs::is_regular_file(path)) return {path};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path))
    if (entry.path().extension() == ".safetensors" && !entry.is_directory()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Tensor.view promises no copy, so it has nothing to do with inputs that lie elsewhere.
std::vector<Layout> layouts_for(const golden::Case& golden, bool all) {
  if (!all || golden.op == "Tensor.view") return {Layout::stored};
  return {Layout::stored, Layout::channels_last, Layout::strided};
}

/// What is wrong with the case: one line for each tensor, of the first layout that shows it.
std::vector<std::string> faults_of(const fs::path& file, gw::Device device, bool all_layouts) {
  std::string where = file.string(), layout_note;
  std::vector<std::string> faults;
  try {
    const golden::Case golden = golden::load_case(file.string());
    where += fmt::format(": {} {}", golden.op, golden.attrs);
    for (const Layout layout : layouts_for(golden, all_layouts)) {
      layout_note = layout == Layout::stored ? "" : " (inputs " + name_of(layout) + ")";
      faults = run_case(golden, device, layout);
      if (!faults.empty()) break;
    }
  } catch (const std::exception& error) {
    faults = {error.what()};
  }
  for (std::string& fault : faults) fault = where + layout_note + ": " + fault;
  return faults;
}

void run_all(const std::vector<fs::path>& files, gw::Device device, bool all_layouts, Counts& counts) {
  for (const fs::path& file : files) {
    const std::vector<std::string> faults = faults_of(file, device, all_layouts);
    for (const std::string& fault : faults) fmt::print("FAILED {}\n", fault);
    ++(faults.empty() ? counts.passed : counts.failed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    fmt::print(stderr, "usage: golden_runner [--device cpu|cuda] [--layouts] DIR...\n");
    return 2;
  }

  std::optional<gw::Device> device;
  try {
    device = gw::device_from_name(arguments->device);
  } catch (const gw::DeviceError& error) {
    fmt::print("skipping every case: {}\n", error.what());
  } catch (const gw::Error& error) {
    fmt::print(stderr, "golden_runner: {}\n", error.what());
    return 2;
  }

  Counts counts;
  for (const std::string& path : arguments->paths) {
    try {
      const std::vector<fs::path> files = cases_in(path);
      if (device)
        run_all(files, *device, arguments->layouts, counts);
      else
        counts.skipped += static_cast<int>(files.size());
    } catch (const fs::filesystem_error& error) {
      fmt::print("FAILED {}: {}\n", path, error.code().message());
      ++counts.failed;
    }
  }
  fmt::print("{} passed, {} failed, {} skipped\n", counts.passed, counts.failed, counts.skipped);
  return counts.failed > 0 ? 1 : 0;
}
