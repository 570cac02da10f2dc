// train --init, --opt and --norm: every choice runs, and LSUV keeps its promise.
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "tests/train/command_line.h"

namespace gw {
namespace {

class InitCommand : public CommandLine {};

TEST_F(InitCommand, LsuvPrintsALineForEachLayer) {
  const Outcome o = run(train("--init lsuv --norm none"));
  ASSERT_EQ(o.code, 0) << o.output;
  const std::regex line(R"(lsuv  (\S+) +mean +(\S+)  deviation (\S+)  in \d+ steps)");
  int layers = 0;
  for (std::sregex_iterator match(o.output.begin(), o.output.end(), line), end; match != end; ++match, ++layers) {
    EXPECT_LT(std::abs(std::stod((*match)[2])), 1e-3) << (*match)[0];
    EXPECT_LT(std::abs(std::stod((*match)[3]) - 1), 1e-3) << (*match)[0];
  }
  EXPECT_EQ(layers, 6) << o.output;
}

TEST_F(InitCommand, EveryInitialisationTrains) {
  for (const char* init : {"default", "kaiming-normal", "kaiming-uniform", "xavier-normal", "xavier-uniform"}) {
    const Outcome o = run(train(std::string("--init ") + init));
    EXPECT_EQ(o.code, 0) << o.output;
    EXPECT_EQ(o.output.find("lsuv"), std::string::npos) << o.output;
  }
  expect_one_line(train("--init zeros"), 2, "lsuv");
}

TEST_F(InitCommand, EveryOptimizerTrains) {
  for (const char* name : {"lamb", "lars", "nesterov", "rmsprop"}) {
    const Outcome o = run(train(std::string("--lr 0.01 --opt ") + name));
    EXPECT_EQ(o.code, 0) << name << o.output;
  }
}

TEST_F(InitCommand, EveryNormTrainsAndIsRemembered) {
  for (const char* name : {"group", "instance", "layer", "running"}) {
    const std::string model =
        "train --model resnet-slim --width 0.25 --batch 16 --limit 32 --epochs 1 --data " + folder_.path();
    const Outcome trained = run(model + " --norm " + name + " --save " + file("w"));
    ASSERT_EQ(trained.code, 0) << trained.output;
    const Outcome evaluated = run("eval --limit 32 --load " + file("w") + " --data " + folder_.path());
    EXPECT_EQ(evaluated.code, 0) << evaluated.output;
    const std::string accuracy = trained.output.substr(trained.output.rfind("accuracy"), 15);
    EXPECT_NE(evaluated.output.find(accuracy), std::string::npos) << trained.output << evaluated.output;
  }
}

}  // namespace
}  // namespace gw
