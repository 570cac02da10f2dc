// groundwork train --load: fine-tuning.
#include "tensor/creation.h"
#include "tensor/safetensors.h"
#include "tests/data/cifar10_files.h"
#include "tests/tensor_matchers.h"
#include "tests/train/command_line.h"

namespace gw {
namespace {

class Finetune : public CommandLine {
 protected:
  Finetune() { write_cifar10(folder_, "cifar", 10); }
  std::string on_cifar(const std::string& options) const {
    return "train --batch 10 --epochs 1 --cifar " + file("cifar") + " " + options;
  }
  SafetensorsFile weights(const std::string& name) const { return load_safetensors(file(name)); }
  /// Whether a tensor of two weights files is the same to the last bit.
  bool same(const std::string& tensor, const std::string& a, const std::string& b) const {
    return weights(a).at(tensor).to_vector<float>() == weights(b).at(tensor).to_vector<float>();
  }
  void pretrain() const {
    const Outcome o = run(on_cifar("--model resnet18 --width 0.125 --act silu --save " + file("pre")));
    ASSERT_EQ(o.code, 0) << o.output;
  }
};

TEST_F(Finetune, FrozenLayersKeepTheirWeightsAndStatistics) {
  pretrain();
  // The model, its width and its activation are in the file.
  const Outcome o = run(on_cifar("--freeze-to -1 --load " + file("pre") + " --save " + file("head")));
  ASSERT_EQ(o.code, 0) << o.output;
  for (const auto& [name, t] : weights("pre").tensors) {
    const bool head = name.starts_with("fc.");
    EXPECT_EQ(same(name, "pre", "head"), !head) << name;
  }
  ASSERT_EQ(run(on_cifar("--freeze-to 1 --load " + file("head") + " --save " + file("more"))).code, 0);
  EXPECT_TRUE(same("layer1.0.bn1.running_mean", "head", "more"));
  EXPECT_FALSE(same("layer2.0.bn1.running_mean", "head", "more"));
  EXPECT_FALSE(same("layer4.1.conv2.weight", "head", "more"));
}

TEST_F(Finetune, DifferentialRatesAndDecays) {
  pretrain();
  const std::string load = "--opt sgd --sched constant --load " + file("pre");
  ASSERT_EQ(run(on_cifar(load + " --lr 1e-30,1e-2,1e-2 --wd 0,0,10 --save " + file("a"))).code, 0);
  EXPECT_TRUE(same("conv1.weight", "pre", "a"));
  EXPECT_FALSE(same("layer4.0.conv1.weight", "pre", "a"));
  // One number for all groups is the same as for none.
  ASSERT_EQ(run(on_cifar(load + " --lr 1e-2 --wd 1e-3 --save " + file("b"))).code, 0);
  ASSERT_EQ(run(on_cifar(load + " --lr 1e-2,1e-2 --wd 1e-3 --save " + file("c"))).code, 0);
  for (const auto& [name, t] : weights("b").tensors) EXPECT_TRUE(same(name, "b", "c")) << name;
  ASSERT_EQ(run(on_cifar(load + " --lr 1e-2 --wd 10 --save " + file("d"))).code, 0);
  const auto norm = [&](const char* f) { return weights(f).at("conv1.weight").pow(2).sum().item(); };
  EXPECT_LT(norm("d"), 0.7 * norm("b"));
}

TEST_F(Finetune, ANewHeadForOtherClasses) {
  ASSERT_EQ(run(train("--save " + file("pre"))).code, 0);  // ten classes of clothes, in grey
  expect_one_line(on_cifar("--load " + file("pre")), 1, "the weights are of images with 1 channels, the data's have 3");
  pretrain();
  folder_.write("pictures/none", "");
  for (const char* side : {"train", "valid"})
    for (const char* image : {"rgb.png", "grey.png"}) {
      const std::string folder = file("pictures/" + std::string(side) + "/" + std::string(image).substr(0, 3));
      std::filesystem::create_directories(folder);
      std::filesystem::copy_file(std::string(GROUNDWORK_SOURCE_DIR) + "/tests/data/images/" + image,
                                 folder + "/" + image);
    }
  const std::string on_pictures = "train --epochs 1 --batch 2 --size 32 --folder " + file("pictures") + " --load ";
  const Outcome refused = run(on_pictures + file("pre"));
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.output.find("--new-head begins with a new last layer"), std::string::npos) << refused.output;
  const Outcome o = run(on_pictures + file("pre") + " --new-head --freeze-to -1 --save " + file("two"));
  ASSERT_EQ(o.code, 0) << o.output;
  EXPECT_EQ(weights("two").at("fc.weight").size(0), 2);
  EXPECT_TRUE(same("layer4.1.conv2.weight", "pre", "two"));
  EXPECT_NE(weights("two").metadata.at("images").find("0.4914"), std::string::npos);  // normalised as the first data
  EXPECT_EQ(run("eval --folder " + file("pictures") + " --size 32 --load " + file("two")).code, 0);
}

TEST_F(Finetune, WeightsOfOthers) {
  pretrain();
  // As torchvision writes them: no word about the model.
  save_safetensors(file("theirs"), weights("pre").tensors, {{"format", "pt"}});
  expect_one_line(on_cifar("--load " + file("theirs")), 1, "does not say which model it is for");
  const std::string load = "--model resnet18 --width 0.125 --load " + file("theirs");
  ASSERT_EQ(run(on_cifar(load + " --freeze-to -1 --save " + file("w"))).code, 0);
  EXPECT_TRUE(same("layer1.0.conv1.weight", "pre", "w"));
  EXPECT_NE(weights("w").metadata.at("images").find("0.485"), std::string::npos);  // ImageNet's
  expect_one_line(on_cifar("--model resnet34 --width 0.125 --load " + file("theirs")), 1, "missing");
}

TEST_F(Finetune, AResumedRunGoesOnFrozen) {
  pretrain();
  const std::string options = "--epochs 2 --freeze-to 1 --lr 1e-3,1e-2,1e-2 --load " + file("pre");
  const std::string base = "train --batch 10 --cifar " + file("cifar") + " ";
  ASSERT_EQ(run(base + options + " --save " + file("whole") + " --checkpoint " + file("c")).code, 0);
  const Outcome o = run(base + "--resume " + file("c") + " --save " + file("again"));
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_NE(o.output.find("resumed after 2 of 2 epochs"), std::string::npos) << o.output;
}

TEST_F(Finetune, OptionsThatCannotBe) {
  pretrain();
  const std::string load = "--load " + file("pre");
  expect_one_line(on_cifar("--model resnet18 --new-head"), 2, "--load");
  expect_one_line(on_cifar(load + " --init lsuv"), 2, "--load");
  expect_one_line(on_cifar(load + " --lr 1e-3,"), 2, "--lr");
  expect_one_line(on_cifar(load + " --lr 1e-3,0"), 2, "a number above 0");
  expect_one_line(on_cifar(load + " --wd -1"), 2, "--wd");
  expect_one_line(on_cifar(load + " --lr 1e-3,1e-2 --wd 0,0,0"), 1, "--lr names 2 groups of layers, --wd 3");
  expect_one_line(on_cifar(load + " --freeze-to 3"), 1, "there is no group 3 of 3");
  expect_one_line(on_cifar(load + " --lr 1,1,1,1,1,1,1,1"), 1, "expected 1 to 7 groups");
  expect_one_line(on_cifar("--load " + file("nothing")), 1, "No such file");
  // Another model has a head of another shape, too, but a new head would not help.
  expect_one_line(on_cifar(load + " --width 0.25"), 1, "the weights are not of this");
}

}  // namespace
}  // namespace gw
