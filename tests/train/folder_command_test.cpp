// groundwork train --folder: any folder of pictures as the data set.
#include <filesystem>

#include "tests/train/command_line.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

class FolderCommand : public CommandLine {
 protected:
  FolderCommand() {
    for (const char* side : {"train", "valid"})
      for (const char* name : {"grey.png", "grey.jpg", "rgb.png", "rgb.jpg", "palette.png", "progressive.jpg"})
        copy(name, std::string(side) + (std::string(name).starts_with("grey") ? "/grey/" : "/coloured/") + name);
  }
  void copy(const std::string& image, const std::string& to) {
    const fs::path goal = fs::path(pictures()) / to;
    fs::create_directories(goal.parent_path());
    fs::copy_file(std::string(GROUNDWORK_SOURCE_DIR) + "/tests/data/images/" + image, goal);
  }
  std::string pictures() const { return file("pictures"); }
  std::string train(const std::string& options) const {
    return "train --model resnet-fast --width 0.25 --epochs 1 --batch 4 --folder " + pictures() + " --size 16 " +
           options;
  }
};

TEST_F(FolderCommand, TrainsEvaluatesAndPredicts) {
  for (const char* fit : {"crop", "squish", "random"}) {
    const Outcome trained = run(train("--fit " + std::string(fit) + " --save " + file("w")));
    ASSERT_EQ(trained.code, 0) << trained.output;
    EXPECT_NE(trained.output.find("6 training and 6 validation pictures of 2 classes"), std::string::npos);
    const Outcome evaluated = run("eval --load " + file("w") + " --folder " + pictures() + " --size 16");
    EXPECT_EQ(evaluated.code, 0) << evaluated.output;
    EXPECT_NE(evaluated.output.find("accuracy"), std::string::npos) << evaluated.output;
    const Outcome predicted = run("predict --load " + file("w") + " " + pictures() + "/valid/grey/grey.png");
    EXPECT_EQ(predicted.code, 0) << predicted.output;
    EXPECT_NE(predicted.output.find("coloured"), std::string::npos) << predicted.output;
  }
}

TEST_F(FolderCommand, TheModelsOfImagenetteTrain) {
  for (const char* model : {"imagenette-cnn", "xresnet18"}) {
    const Outcome trained = run("train --width 0.25 --epochs 1 --batch 4 --size 20 --fit random --mixup 0.4 --folder " +
                                pictures() + " --model " + model + " --save " + file("w"));
    ASSERT_EQ(trained.code, 0) << trained.output;
    const Outcome evaluated = run("eval --load " + file("w") + " --folder " + pictures() + " --size 20");
    EXPECT_EQ(evaluated.code, 0) << evaluated.output;
  }
}

TEST_F(FolderCommand, OneSeedOneResultWhateverTheNumberOfWorkers) {
  ASSERT_EQ(run(train("--fit random --workers 1 --save " + file("a"))).code, 0);
  ASSERT_EQ(run(train("--fit random --workers 4 --save " + file("b"))).code, 0);
  EXPECT_EQ(read(file("a")), read(file("b")));
}

TEST_F(FolderCommand, BadPicturesStopTheRunOrAreLeftOut) {
  folder_.write("pictures/train/grey/broken.png", "nothing");
  for (const char* fit : {"crop", "random"}) {
    const std::string options = "--fit " + std::string(fit);
    const Outcome stopped = run(train(options));
    EXPECT_EQ(stopped.code, 1) << stopped.output;
    EXPECT_NE(stopped.output.find("broken.png"), std::string::npos) << stopped.output;
    const Outcome went_on = run(train(options + " --on-bad-image skip"));
    EXPECT_EQ(went_on.code, 0) << went_on.output;
    EXPECT_NE(went_on.output.find("left out 1 of 7 pictures"), std::string::npos) << went_on.output;
  }
}

TEST_F(FolderCommand, FoldersAndOptionsThatCannotBe) {
  expect_one_line("train --model resnet-fast --size 16", 2, "--folder");
  expect_one_line(train("--fit stretch"), 2, "squish");
  expect_one_line("train --model resnet-fast --size 0 --folder " + pictures(), 2, "--size");
  expect_one_line("train --model resnet-fast --folder " + file("nowhere"), 1, "nowhere");
  folder_.write("nothing/readme.txt", "no picture");
  expect_one_line("train --model resnet-fast --folder " + file("nothing"), 1, "no file below");
  EXPECT_NE(
      run("train --model resnet-wide --size 40 --folder " + pictures()).output.find("does not take images of 40 x 40"),
      std::string::npos);
  EXPECT_NE(run(train("--fit random --holdout")).output.find("--fit crop"), std::string::npos);
  copy("rgb.png", "valid/unseen/rgb.png");
  expect_one_line(train(""), 1, "'unseen'");
}

}  // namespace
}  // namespace gw
