// The golden runner as a program: that it passes what is right, and that nothing wrong gets past it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <map>
#include <string>

#include "tensor/creation.h"
#include "tensor/safetensors.h"
#include "tests/data/temporary_folder.h"

namespace {

struct Outcome {
  int exit_code = -1;
  std::string output;
};

Outcome run(const std::string& arguments) {
  const std::string command = GROUNDWORK_BINARY_DIR "/golden_runner " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  Outcome outcome;
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) outcome.output.append(buffer, n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  return outcome;
}

bool ends_with_counts(const Outcome& outcome, const std::string& counts) {
  return outcome.output.ends_with(counts + "\n");
}

/// A folder of its own, for one case each test.
class GoldenRunner : public testing::Test {
 protected:
  /// Writes the case 2 * [1, 2] under the given changes.
  void write_case(std::map<std::string, std::string> metadata = {}, const gw::NamedTensors& more = {},
                  const std::vector<float>& output = {2, 4}) {
    metadata.merge(std::map<std::string, std::string>{
        {"op", "torch.mul"}, {"attrs", R"({"other": 2.0})"}, {"rtol", "1e-05"}, {"atol", "1e-06"}});
    gw::NamedTensors tensors = {{"input.0", gw::tensor({1, 2})}, {"output.0", gw::tensor(output)}};
    tensors.insert(tensors.end(), more.begin(), more.end());
    gw::save_safetensors(folder_.file("case.safetensors"), tensors, metadata);
  }
  Outcome run_folder() { return run(folder_.path()); }

  /// The run fails, and its message holds `words`.
  void expect_failure(const std::string& words) {
    const Outcome outcome = run_folder();
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(ends_with_counts(outcome, "0 passed, 1 failed, 0 skipped")) << outcome.output;
    EXPECT_NE(outcome.output.find(words), std::string::npos) << outcome.output;
  }

  gw::TemporaryFolder folder_;
};

TEST_F(GoldenRunner, EveryCaseOfOursPassesInEveryLayout) {
  const Outcome outcome = run("--layouts " GROUNDWORK_SOURCE_DIR "/tests/golden");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.output.find(" passed, 0 failed, 0 skipped\n"), std::string::npos) << outcome.output;
}

TEST_F(GoldenRunner, PassesARightCase) {
  write_case();
  const Outcome outcome = run_folder();
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "1 passed, 0 failed, 0 skipped\n");
}

TEST_F(GoldenRunner, NamesAWrongValueWithItsError) {
  write_case({}, {}, {2, 4.5F});
  expect_failure("case.safetensors: torch.mul {\"other\": 2.0}: output.0: largest error 0.5; 1 of 2 elements");
}

TEST_F(GoldenRunner, NoticesAWrongShapeOrDtype) {
  write_case({}, {}, {2, 4, 6});
  expect_failure("found shape [2], expected [3]");
  write_case({{"op", "torch.eq"}});
  expect_failure("found dtype u8, expected f32");
}

TEST_F(GoldenRunner, NoticesAWrongGradient) {
  write_case({}, {{"grad_output.0", gw::tensor({1, 1})}, {"grad_input.0", gw::tensor({2, 3})}});
  expect_failure("grad_input.0: largest error 1;");
}

TEST_F(GoldenRunner, NoticesAWrongChangeOfAnInput) {
  write_case({}, {{"after.0", gw::tensor({2, 4})}});
  expect_failure("after.0: largest error 2;");
}

TEST_F(GoldenRunner, NaNIsNotANumber) {
  write_case({{"attrs", R"({"other": NaN})"}});
  expect_failure("largest error inf; 2 of 2 elements");
}

TEST_F(GoldenRunner, NamesWhatItDoesNotKnow) {
  write_case({{"op", "torch.frobnicate"}});
  expect_failure("unknown op torch.frobnicate");
  write_case({{"attrs", R"({"other": 2.0, "colour": 1})"}});
  expect_failure("unknown attribute colour");
  write_case({{"attrs", R"({"other": "two"})"}});
  expect_failure("attribute other: expected a number, got \"two\"");
  write_case({{"attrs", "{other"}});
  expect_failure("attrs is not JSON");
}

TEST_F(GoldenRunner, NamesBrokenFiles) {
  folder_.write("case.safetensors", "no safetensors");
  expect_failure("case.safetensors");
  write_case({{"rtol", "small"}});
  expect_failure("rtol: expected a number");
  write_case({}, {{"inputs.0", gw::tensor({1})}});
  expect_failure("tensor \"inputs.0\"");
  write_case({}, {{"grad_input.7", gw::tensor({1})}});
  expect_failure("no input.7");
}

TEST_F(GoldenRunner, SkipsWhereTheDeviceIsAbsent) {
  write_case();
  bool present = true;
  try {
    gw::device_from_name("cuda");
  } catch (const gw::DeviceError&) {
    present = false;
  }
  const Outcome outcome = run("--device cuda " + folder_.path());
  EXPECT_EQ(outcome.exit_code, 0);
  const char* counts = present ? "1 passed, 0 failed, 0 skipped" : "0 passed, 0 failed, 1 skipped";
  EXPECT_TRUE(ends_with_counts(outcome, counts)) << outcome.output;
}

TEST_F(GoldenRunner, ReportsMissingFoldersAndBadUsage) {
  const Outcome missing = run(folder_.file("nothing"));
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.output.find("No such file"), std::string::npos) << missing.output;
  EXPECT_EQ(run("").exit_code, 2);
  EXPECT_EQ(run("--colour " + folder_.path()).exit_code, 2);
  EXPECT_EQ(run("--device toaster " + folder_.path()).exit_code, 2);
}

}  // namespace
