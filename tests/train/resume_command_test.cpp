// Runs that are killed, and go on.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>
#include <vector>

#include "tests/train/command_line.h"
#include "train/checkpoint.h"

namespace gw {
namespace {

class Resume : public CommandLine {
 protected:
  /// A run of six epochs on this data.
  std::string six_epochs(const std::string& more) const {
    return "train --model convnet --batch 32 --epochs 6 --data " + folder_.path() + " " + more;
  }

  /// Runs the program and kills it after so many seconds; true if it was done before that.
  static bool run_for(const std::string& arguments, double seconds) {
    std::vector<std::string> words = {std::string(GROUNDWORK_BINARY_DIR) + "/groundwork"};
    std::istringstream text(arguments);
    for (std::string word; text >> word;) words.push_back(word);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, STDOUT_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() >= end) kill(child, SIGKILL);
      usleep(500);
    }
    const bool done = WIFEXITED(status);
    EXPECT_TRUE(done ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL) << status;
    return done;
  }
};

TEST_F(Resume, ARunKilledAtAnyPointEndsAsIfItHadNotBeen) {
  const std::vector<std::string> kinds = {
      "", "--dtype bf16 --opt adam --aug crop,flip,erase --label-smoothing 0.1 --mixup 0.4 --cutmix 1",
      "--average 0.95 --aug flip --aug-per image --holdout --lr 2e-2", "--opt momentum --sched cosine --lr 1e-2",
      "--opt sgd --sched exponential --lr 0.1"};
  std::vector<std::string> expected;
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& kind : kinds) {
    ASSERT_EQ(run(six_epochs(kind + " --save " + file("whole"))).code, 0);
    expected.push_back(read(file("whole")));
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const double one_run = taken.count() / static_cast<double>(kinds.size());

  constexpr int kKills = 20;
  std::mt19937 random(5);
  std::uniform_real_distribution<double> when(0, 1.2 * one_run);
  int kills = 0, resumed = 0;
  for (size_t i = 0; kills < kKills; ++i) {
    ASSERT_LT(i, 500u) << "only " << kills << " runs were killed in time";
    const std::string name = file("run" + std::to_string(i)), checkpoint = name + ".checkpoint";
    const std::string files = " --save " + name + " --log " + name + ".log --checkpoint " + checkpoint;
    const std::string command = six_epochs(kinds[i % kinds.size()] + files);
    if (!run_for(command, when(random))) {
      ++kills;
      const bool has_checkpoint = std::filesystem::exists(checkpoint);
      resumed += has_checkpoint ? 1 : 0;
      const Outcome o =
          run(has_checkpoint ? "train --resume " + checkpoint + " --data " + folder_.path() + files : command);
      ASSERT_EQ(o.code, 0) << o.output;
    }
    EXPECT_EQ(read(name), expected[i % kinds.size()]) << "run " << i;
    const std::string log = read(name + ".log");
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 13) << log;
  }
  EXPECT_GT(resumed, 0);
}

TEST_F(Resume, RefusesAnotherRun) {
  const std::string checkpoint = file("c");
  ASSERT_EQ(run(train("--save " + file("w") + " --checkpoint " + checkpoint)).code, 0);
  const std::string resume = "train --data " + folder_.path() + " --resume " + checkpoint;
  expect_one_line(resume + " --model resnet", 1, "is of a run with --model convnet, not resnet");
  expect_one_line(resume + " --dtype bf16", 1, "--dtype f32, not bf16");
  expect_one_line(resume + " --sched cosine", 1, "--sched one-cycle, not cosine");
  expect_one_line(resume + " --epochs 2", 1, "--epochs 1, not 2");
  expect_one_line(resume + " --limit 64", 1, "of a run without --limit");
  expect_one_line("train --resume " + file("nothing"), 1, "No such file");
  expect_one_line("train --resume " + file("w"), 1, "is not a checkpoint");
  expect_one_line("eval --load " + checkpoint, 1, "is a checkpoint; expected weights");
  expect_one_line(train("--checkpoint " + file("no/such/c")), 1, "No such file");
  expect_one_line(train("--checkpoint " + folder_.path()), 1, "is a directory");
  folder_.write("short", read(checkpoint).substr(0, 5000));
  expect_one_line("train --resume " + file("short"), 1, "short");
  // Options that do not touch what is learnt may differ, and the same value may be given again.
  const Outcome o = run(resume + " --dtype f32 --epochs 1 --tta --save " + file("w3"));
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_NE(o.output.find("resumed after 1 of 1 epochs"), std::string::npos) << o.output;
}

TEST_F(Resume, SaveBestKeepsTheBestEpoch) {
  expect_one_line(train("--save-best"), 2, "--save");
  const Outcome o = run(six_epochs("--lr 0.2 --save-best --save " + file("best") + " --log " + file("log")));
  ASSERT_EQ(o.code, 0) << o.output;
  std::istringstream log(read(file("log")));
  double best = 0;
  for (std::string line; std::getline(log, line);) {
    const size_t at = line.find("\"accuracy\":");
    if (line.find("\"valid\"") != std::string::npos) best = std::max(best, std::stod(line.substr(at + 11)));
  }
  const Outcome evaluated = run("eval --batch 32 --load " + file("best") + " --data " + folder_.path());
  char text[40];
  std::snprintf(text, sizeof text, "accuracy %.4f", best);
  EXPECT_NE(evaluated.output.find(text), std::string::npos) << evaluated.output << text;
}

}  // namespace
}  // namespace gw
