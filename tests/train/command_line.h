// For tests of the program as a user meets it.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/data/idx_files.h"
#include "tests/data/temporary_folder.h"

namespace gw {

struct Outcome {
  int code;            ///< exit code, or 128 + signal
  std::string output;  ///< standard output and standard error
};

/// Runs `groundwork ARGUMENTS` through a shell.
inline Outcome run(const std::string& arguments) {
  // Tests run side by side: threads that wait should give their core away.
  setenv("OMP_WAIT_POLICY", "passive", 0);
  const std::string command = std::string(GROUNDWORK_BINARY_DIR) + "/groundwork " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output};
}

inline std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Fails unless the command ends with this code and one line that contains `part`.
inline void expect_one_line(const std::string& arguments, int code, const std::string& part) {
  const Outcome o = run(arguments);
  EXPECT_EQ(o.code, code) << arguments << "\n" << o.output;
  EXPECT_NE(o.output.find(part), std::string::npos) << arguments << "\n" << o.output;
  EXPECT_EQ(std::count(o.output.begin(), o.output.end(), '\n'), 1) << arguments << "\n" << o.output;
}

/// A folder with a small made-up Fashion-MNIST: images whose brightness tells their class.
class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    write_part("train", 96);
    write_part("t10k", 32);
  }

  void write_part(const std::string& part, uint32_t count) {
    std::string images, labels;
    for (uint32_t i = 0; i < count; ++i) {
      labels.push_back(static_cast<char>(i % 10));
      for (uint32_t p = 0; p < 28 * 28; ++p) images.push_back(static_cast<char>(i % 10 * 25 + p * i % 7));
    }
    folder_.write("fashion-mnist/" + part + "-images-idx3-ubyte", idx_bytes({count, 28, 28}, images));
    folder_.write("fashion-mnist/" + part + "-labels-idx1-ubyte", idx_bytes({count}, labels));
  }

  std::string file(const std::string& name) const { return folder_.file(name); }
  /// A quick training command on this data.
  std::string train(const std::string& more) const {
    return "train --model convnet --batch 32 --epochs 1 --data " + folder_.path() + " " + more;
  }

  TemporaryFolder folder_;
};

}  // namespace gw
