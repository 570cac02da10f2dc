// groundwork cam: heat maps over pictures.
#include <filesystem>

#include "data/image_file.h"
#include "tests/data/cifar10_files.h"
#include "tests/train/command_line.h"

namespace gw {
namespace {

class CamCommand : public CommandLine {
 protected:
  CamCommand() { write_cifar10(folder_, "cifar", 4); }
  void train_on_cifar(const std::string& model) const {
    const Outcome o = run("train --batch 10 --epochs 1 --width 0.25 --cifar " + file("cifar") + " --model " + model +
                          " --save " + file("w"));
    ASSERT_EQ(o.code, 0) << o.output;
  }
  static std::string image(const std::string& name) {
    return std::string(GROUNDWORK_SOURCE_DIR) + "/tests/data/images/" + name;
  }
  std::string cam(const std::string& more) const { return "cam --load " + file("w") + " --out " + file("maps") + more; }
};

TEST_F(CamCommand, DrawsAMapForEachPicture) {
  train_on_cifar("resnet-gap");
  const Outcome o = run(cam(" --class ship " + image("rgb.jpg") + " " + image("rgb.png")));
  ASSERT_EQ(o.code, 0) << o.output;
  EXPECT_NE(o.output.find("ship"), std::string::npos) << o.output;
  EXPECT_NE(o.output.find("2 x 2 places of 6"), std::string::npos) << o.output;
  const Tensor first = read_image(file("maps/rgb.cam.png")), picture = read_image(image("rgb.jpg"));
  EXPECT_EQ(first.size(1), first.size(2));  // the middle square, magnified
  EXPECT_GE(first.size(1), 224);
  EXPECT_EQ(first.size(1) % std::min(picture.size(1), picture.size(2)), 0);
  EXPECT_TRUE(std::filesystem::exists(file("maps/rgb-2.cam.png")));
}

TEST_F(CamCommand, TakesGradCamForOtherModelsAndLayers) {
  train_on_cifar("cifar-resnet");
  const Outcome o = run(cam(" " + image("grey.png")));
  ASSERT_EQ(o.code, 0) << o.output;
  EXPECT_NE(o.output.find("2 x 2 places of 12"), std::string::npos) << o.output;
  EXPECT_NE(run(cam(" --layer 6 " + image("grey.png"))).output.find("8 x 8 places of 6"), std::string::npos);
  expect_one_line(cam(" --method cam " + image("grey.png")), 1, "take --method grad-cam");
  expect_one_line(cam(" --layer 99 " + image("grey.png")), 1, "there is no layer 99");
}

TEST_F(CamCommand, OfGreyModelsToo) {
  ASSERT_EQ(run(train("--save " + file("w"))).code, 0);
  const Outcome o = run(cam(" --class Coat " + image("grey.png")));
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_TRUE(std::filesystem::exists(file("maps/grey.cam.png")));
}

TEST_F(CamCommand, WhatCannotBe) {
  train_on_cifar("cifar-simple");
  expect_one_line(cam(" " + image("grey.png")), 1, "returns a map");
  expect_one_line(cam(" --class boat " + image("grey.png")), 1, "knows no class boat; it knows airplane");
  expect_one_line(cam(" --method cam --layer 3 " + image("grey.png")), 1, "--method grad-cam");
  expect_one_line(cam(" " + file("nothing.png")), 1, "nothing.png");
  expect_one_line("cam --out " + file("maps") + " " + image("grey.png"), 2, "--load is required");
  expect_one_line("cam --load " + file("w") + " --out " + file("w") + " " + image("grey.png"), 1, "cam: ");
}

}  // namespace
}  // namespace gw
