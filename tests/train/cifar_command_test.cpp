// groundwork train --cifar, and cycles of the learning rate with a snapshot at the end of each.
#include <filesystem>

#include "tests/data/cifar10_files.h"
#include "tests/train/command_line.h"

namespace gw {
namespace {

class CifarCommand : public CommandLine {
 protected:
  CifarCommand() { write_cifar10(folder_, "cifar", 10); }
  std::string on_cifar(const std::string& command, const std::string& options) const {
    return command + " --batch 16 --cifar " + file("cifar") + " " + options;
  }
};

TEST_F(CifarCommand, TrainsEvaluatesAndPredicts) {
  const Outcome trained = run(
      on_cifar("train", "--model cifar-conv --epochs 2 --aug crop=4,flip --aug-per image --tta --save " + file("w")));
  ASSERT_EQ(trained.code, 0) << trained.output;
  EXPECT_NE(trained.output.find("test time augmentation"), std::string::npos) << trained.output;
  const Outcome evaluated = run(on_cifar("eval", "--load " + file("w")));
  EXPECT_EQ(evaluated.code, 0) << evaluated.output;
  EXPECT_NE(evaluated.output.find("accuracy"), std::string::npos) << evaluated.output;
  const Outcome predicted =
      run("predict --top 10 --load " + file("w") + " " + GROUNDWORK_SOURCE_DIR + "/tests/data/images/rgb.jpg");
  EXPECT_EQ(predicted.code, 0) << predicted.output;
  EXPECT_NE(predicted.output.find("truck"), std::string::npos) << predicted.output;
}

TEST_F(CifarCommand, EveryRungOfTheLadderTrains) {
  for (const char* name : {"cifar-simple", "cifar-bn-by-hand", "cifar-bn", "cifar-resnet", "cifar-resnet2"}) {
    const std::string model =
        " --model " + std::string(name) + " --width 0.25 --limit 20 --epochs 1 --save " + file("w");
    const Outcome trained = run(on_cifar("train", model));
    EXPECT_EQ(trained.code, 0) << name << trained.output;
    const Outcome evaluated = run(on_cifar("eval", "--load " + file("w")));
    EXPECT_EQ(evaluated.code, 0) << name << evaluated.output;
  }
}

TEST_F(CifarCommand, WhatCannotBeRead) {
  expect_one_line(on_cifar("train", "--model cifar-conv --folder " + folder_.path()), 2, "--folder");
  expect_one_line("train --model cifar-conv --cifar " + file("nowhere"), 1, "data_batch_1.bin");
  folder_.write("cifar/test_batch.bin", "short");
  expect_one_line(on_cifar("train", "--model cifar-conv"), 1, "expected records of 3073 bytes, got 5 bytes");
}

TEST_F(CifarCommand, EachCycleLeavesAMemberOfAnEnsemble) {
  const std::string cycles = "--model cifar-conv --width 0.5 --epochs 4 --cycle-len 1 --cycle-mult 2 ";
  const Outcome trained = run(on_cifar("train", cycles + "--save " + file("w.st") + " --log " + file("log")));
  ASSERT_EQ(trained.code, 0) << trained.output;
  EXPECT_TRUE(std::filesystem::exists(file("w-cycle1.st")));
  EXPECT_TRUE(std::filesystem::exists(file("w-cycle2.st")));
  EXPECT_FALSE(std::filesystem::exists(file("w-cycle3.st")));
  EXPECT_NE(read(file("w-cycle1.st")), read(file("w-cycle2.st")));
  EXPECT_NE(read(file("w.st")), read(file("w-cycle2.st")));  // an epoch of the third cycle came after it
  const Outcome ensemble =
      run(on_cifar("eval", "--load " + file("w-cycle1.st") + " --load " + file("w-cycle2.st") + " --tta"));
  EXPECT_EQ(ensemble.code, 0) << ensemble.output;
  EXPECT_NE(ensemble.output.find("ensemble of 2"), std::string::npos) << ensemble.output;
}

TEST_F(CifarCommand, AResumedRunCountsItsCyclesOn) {
  const std::string cycles = "--model cifar-conv --width 0.5 --epochs 3 --cycle-len 1 --checkpoint ";
  const std::string whole = "--save " + file("whole.st"), part = "--save " + file("part.st");
  ASSERT_EQ(run(on_cifar("train", cycles + file("c") + " " + whole)).code, 0);
  // The checkpoint after the last epoch: nothing is left to do, and no snapshot is written under a wrong number.
  const Outcome resumed = run(on_cifar("train", "--resume " + file("c") + " " + part));
  ASSERT_EQ(resumed.code, 0) << resumed.output;
  EXPECT_TRUE(std::filesystem::exists(file("whole-cycle3.st")));
  EXPECT_EQ(read(file("whole-cycle3.st")), read(file("whole.st")));
  EXPECT_FALSE(std::filesystem::exists(file("part-cycle1.st")));
  expect_one_line(on_cifar("train", "--model cifar-conv --cycle-mult 2"), 2, "--cycle-len");
  expect_one_line(on_cifar("train", "--model cifar-conv --cycle-len 1 --sched cosine"), 2, "--sched");
}

}  // namespace
}  // namespace gw
