// Every kernel is launched through launch.h, and every kernel of kernels/cuda is run by one of the suites there.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#if GROUNDWORK_EMULATE_CUDA
#include "kernels/cuda/emulator/emulator.h"
#endif

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(KernelCoverage, OnlyLaunchHeaderLaunches) {
  const std::regex launch("[A-Za-z0-9_>]<<<[^<]");
  int files = 0;
  for (const char* folder : {"tensor", "kernels", "autograd", "nn", "optim", "data", "train"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(GROUNDWORK_SOURCE_DIR) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu") continue;
      ++files;
      if (entry.path().filename() == "launch.h") continue;
      EXPECT_FALSE(std::regex_search(text_of(entry.path()), launch)) << entry.path() << " launches a kernel itself";
    }
  EXPECT_GT(files, 50);
}

#if GROUNDWORK_EMULATE_CUDA

/// Names a file into which this program writes the kernels that its tests launched.
constexpr auto kListVariable = "GROUNDWORK_LAUNCHED_KERNELS";

class WriteLaunchedKernels : public testing::Environment {
  void TearDown() override {
    const char* path = std::getenv(kListVariable);
    if (!path) return;
    std::ofstream out(path);
    for (const std::string& kernel : gw::emulator::launched_kernels()) out << kernel << '\n';
  }
};
const auto* const kWriter = testing::AddGlobalTestEnvironment(new WriteLaunchedKernels);

/// The names in the sources: every literal of a .cu file that reads like one, but what visit_floating says in errors.
std::set<std::string> kernels_in_sources() {
  static const std::regex message(R"re(visit_floating\([^"]*"[a-z0-9_]*")re"), name(R"re("([a-z][a-z0-9_]*)")re");
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(GROUNDWORK_SOURCE_DIR) / "kernels/cuda")) {
    if (entry.path().extension() != ".cu") continue;
    const std::string text = std::regex_replace(text_of(entry.path()), message, "");
    for (std::sregex_iterator match(text.begin(), text.end(), name), end; match != end; ++match)
      names.insert((*match)[1]);
  }
  return names;
}

/// The kernels that the suites of tests/kernels/cuda launch, run in a program of their own.
std::set<std::string> kernels_in_tests() {
  const fs::path list = fs::path(testing::TempDir()) / ("launched_kernels_" + std::to_string(getpid()));
  const std::string command = std::string(kListVariable) + "=" + list.string() + " " +
                              fs::read_symlink("/proc/self/exe").string() +
                              " --gtest_filter='Cuda*-CudaTraining*' > /dev/null 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << "the suites of the CUDA kernels fail";
  std::ifstream in(list);
  const std::set<std::string> names{std::istream_iterator<std::string>(in), {}};
  fs::remove(list);
  return names;
}

TEST(KernelCoverage, EveryKernelIsTested) {
  const std::set<std::string> tested = kernels_in_tests(), kernels = kernels_in_sources();
  EXPECT_GT(kernels.size(), 10u);
  for (const std::string& kernel : kernels)
    EXPECT_TRUE(tested.count(kernel)) << kernel << " is in kernels/cuda, but no test there launches it";
}

#endif

}  // namespace
