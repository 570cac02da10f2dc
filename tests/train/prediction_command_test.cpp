// eval and predict as a user meets them.
#include <filesystem>

#include "tensor/cuda.h"
#include "tensor/safetensors.h"
#include "tests/train/command_line.h"

namespace gw {
namespace {

class PredictionCommands : public CommandLine {
 protected:
  PredictionCommands() : data_(" --batch 32 --data " + folder_.path()) {}

  std::string trained(const std::string& name, const std::string& more = "") {
    const Outcome o = run(train("--save " + file(name) + " " + more));
    EXPECT_EQ(o.code, 0) << o.output;
    return file(name);
  }
  static std::string image(const std::string& name) {
    return std::string(GROUNDWORK_SOURCE_DIR) + "/tests/data/images/" + name;
  }
  /// The same weights, with these metadata.
  std::string with_metadata(const std::string& weights, const std::string& key, const std::string& value) {
    SafetensorsFile weights_file = load_safetensors(weights);
    weights_file.metadata[key] = value;
    save_safetensors(file("changed"), weights_file.tensors, weights_file.metadata);
    return file("changed");
  }

  std::string data_;
};

/// The number after `what` in the last line that has it.
double number_after(const std::string& text, const std::string& what) {
  const size_t at = text.rfind(what);
  return at == std::string::npos ? -1 : std::stod(text.substr(at + what.size()));
}

TEST_F(PredictionCommands, ViewsAndEnsembles) {
  const std::string a = trained("a", "--seed 1"), b = trained("b", "--seed 2");
  for (const char* views : {"", "--tta", "--tta-views 2", "--tta-views 10", "--tta-views 18"}) {
    const Outcome o = run("eval --load " + a + " --load " + b + data_ + " " + views);
    EXPECT_EQ(o.code, 0) << o.output;
    EXPECT_EQ(std::count(o.output.begin(), o.output.end(), '\n'), 3) << o.output;
    EXPECT_NE(o.output.find("ensemble of 2"), std::string::npos) << o.output;
  }
  // A model twice is no better than once.
  const Outcome twice = run("eval --load " + a + " --load " + a + data_);
  EXPECT_EQ(number_after(twice.output, "accuracy "), number_after(run("eval --load " + a + data_).output, "accuracy "));
  expect_one_line("eval --tta-views 3 --load " + a + data_, 2, "--tta-views");
}

TEST_F(PredictionCommands, AnEnsembleOfDifferentClassesOrImagesIsRefused) {
  const std::string a = trained("a");
  const std::string other = with_metadata(a, "classes", R"(["a","b","c","d","e","f","g","h","i","j"])");
  expect_one_line("eval --load " + a + " --load " + other + data_, 1, "must tell the same classes apart");
  expect_one_line("eval --load " + other + data_, 1, "not the 10 of the data");
  const std::string narrower = with_metadata(a, "images", R"({"shape":[1,20,20],"mean":[0.28],"std":[0.35]})");
  expect_one_line("eval --load " + a + " --load " + narrower + data_, 1, "must take the same images");
  expect_one_line("eval --load " + with_metadata(a, "classes", R"(["a","b"])") + data_, 1, "load_state_dict");
  for (const char* damaged : {"", "{}", "[1]", R"(["a",1])"})
    expect_one_line("eval --load " + with_metadata(a, "classes", damaged) + data_, 1, "metadata are damaged");
  expect_one_line("eval --load " + with_metadata(a, "images", R"({"shape":[3,28,28],"mean":[1],"std":[1]})") + data_, 1,
                  "metadata are damaged");
}

TEST_F(PredictionCommands, DropoutAtTestTime) {
  const std::string plain = trained("plain");
  expect_one_line("eval --dropout-samples 3 --load " + plain + data_, 1, "no dropout layer");
  expect_one_line("eval --dropout-samples 3 --tta --load " + plain + data_, 1, "cannot be combined");
  const std::string drop = file("drop");
  ASSERT_EQ(run("train --model resnet-drop --epochs 1 --limit 32 --save " + drop + data_).code, 0);
  expect_one_line("eval --dropout-samples 1 --load " + drop + data_, 1, "at least 2 samples");
  const std::string command = "eval --dropout-samples 3 --limit 32 --load " + drop + data_;
  const Outcome o = run(command);
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_GT(number_after(o.output, "standard deviation of the probabilities: "), 0) << o.output;
  EXPECT_EQ(run(command).output, o.output) << "one seed, one result";
  EXPECT_NE(run(command + " --seed 9").output, o.output);
}

TEST_F(PredictionCommands, PredictNamesClasses) {
  const std::string a = trained("a"), b = trained("b", "--seed 3");
  const Outcome o = run("predict --load " + a + " " + image("grey.png") + " " + image("cmyk.jpg") + " --top 2");
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_EQ(std::count(o.output.begin(), o.output.end(), '%'), 4) << o.output;
  EXPECT_EQ(o.output.rfind(image("grey.png") + ": ", 0), 0u) << o.output;
  // All that shows the same picture is taken for the same.
  const auto answer = [&](const std::string& name, const std::string& more = "") {
    const std::string text = run("predict --load " + a + " --top 1 " + image(name) + " " + more).output;
    return text.substr(text.find(": "), text.rfind(' ') - text.find(": "));
  };
  for (const char* name : {"rgb.png", "palette.png", "deep.png", "animated.png", "grey.jpg", "rgb.jpg"})
    EXPECT_EQ(answer(name), answer("grey.png")) << name;
  EXPECT_EQ(run("predict --tta --load " + a + " --load " + b + " " + image("rgb.jpg")).code, 0);
  const Outcome drawn = run("predict --plots " + file("p") + " --load " + a + " " + image("rgb.jpg"));
  EXPECT_EQ(drawn.code, 0) << drawn.output;
  EXPECT_TRUE(std::filesystem::exists(file("p/predictions.png")));
}

TEST_F(PredictionCommands, ACudaDeviceSaysTheSame) {
  if (cuda::device_count() == 0) GTEST_SKIP() << "needs a CUDA device";
  const std::string a = trained("a"), b = trained("b", "--seed 3");
  const auto first_class = [](const std::string& text) { return text.substr(0, text.rfind(' ')); };
  const std::string predict = "predict --top 1 --tta --load " + a + " " + image("grey.png");
  const Outcome there = run(predict + " --device cuda --plots " + file("p"));
  EXPECT_EQ(there.code, 0) << there.output;
  EXPECT_EQ(first_class(there.output), first_class(run(predict).output));
  const std::string eval = "eval --tta-views 10 --load " + a + " --load " + b + data_;
  EXPECT_EQ(number_after(run(eval + " --device cuda").output, "accuracy "),
            number_after(run(eval).output, "accuracy "));
}

TEST_F(PredictionCommands, BadImagesAreReportedAndTheOthersGoOn) {
  const std::string load = "predict --load " + trained("a") + " ";
  folder_.write("empty.png", "");
  folder_.write("short.jpg", read(image("rgb.jpg")).substr(0, 300));
  const Outcome o = run(load + file("empty.png") + " " + image("grey.png") + " " + file("short.jpg"));
  EXPECT_EQ(o.code, 1) << o.output;
  EXPECT_NE(o.output.find("empty.png: the file is empty"), std::string::npos) << o.output;
  EXPECT_NE(o.output.find("short.jpg: the file ends too early"), std::string::npos) << o.output;
  EXPECT_NE(o.output.find("grey.png: "), std::string::npos) << o.output;
  expect_one_line(load + file("nothing.png"), 1, "No such file");
  expect_one_line(load + folder_.path(), 1, "Is a directory");
  std::string huge = read(image("rgb.jpg"));
  huge.replace(huge.find("\xff\xc0") + 5, 4, "\xff\xff\xff\xff");  // height and width
  folder_.write("huge.jpg", huge);
  expect_one_line(load + file("huge.jpg"), 1, "more than the 64 million that are read");
  expect_one_line(load + image("animated.gif"), 1, "got a GIF");
  expect_one_line("predict " + image("grey.png"), 2, "--load is required");
  expect_one_line("predict --load " + file("a"), 2, "IMAGE is required");
}

}  // namespace
}  // namespace gw
