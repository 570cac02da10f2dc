// train --recipe, --holdout, --average and --label-smoothing as a user meets them.
#include <nlohmann/json.hpp>

#include "tensor/safetensors.h"
#include "tests/train/command_line.h"
#include "train/checkpoint.h"

namespace gw {
namespace {

class Recipes : public CommandLine {
 protected:
  /// What a recipe can be tried with on a few images.
  std::string small(const std::string& more) const {
    return "train --batch 16 --limit 16 --epochs 1 --data " + folder_.path() + " " + more;
  }
  std::string three_epochs(const std::string& more) const {
    return "train --model convnet --batch 32 --epochs 3 --data " + folder_.path() + " " + more;
  }
  std::vector<nlohmann::json> log_of(const std::string& name) const {
    std::istringstream text(read(file(name)));
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

TEST_F(Recipes, ExpandToOptionsThatOnesOwnOverride) {
  const Outcome o =
      run(small("--recipe best20 --model convnet --squeeze-excite=false --aug flip=0.25 --tta-views 10 --checkpoint " +
                file("c")));
  ASSERT_EQ(o.code, 0) << o.output;
  const std::string line = o.output.substr(0, o.output.find('\n'));
  EXPECT_EQ(line.rfind("recipe best20: groundwork train --model convnet --epochs 1 ", 0), 0u) << line;
  for (const char* part : {" --aug flip=0.25", " --aug-per image", " --squeeze-excite=false", " --tta-views 10",
                           " --label-smoothing ", " --wd ", " --lr ", " --batch 16"})
    EXPECT_TRUE(has(line, part)) << part << "\n" << line;
  EXPECT_FALSE(has(line, "resnet9")) << line;
  EXPECT_FALSE(has(line, "crop")) << line;
  EXPECT_TRUE(has(o.output, "test time augmentation")) << o.output;

  const auto options = load_checkpoint(file("c")).options;
  EXPECT_EQ(options.at("--recipe"), "best20");
  EXPECT_EQ(options.at("--aug-per"), "image");
  EXPECT_EQ(options.at("--aug"), "flip=0.25");
  EXPECT_EQ(options.at("--model"), "convnet");
}

TEST_F(Recipes, EveryOptionCanBeTakenBack) {
  const Outcome plain = run(small("--model convnet --lr 1e-2 --save " + file("a")));
  const Outcome undone =
      run(small("--recipe best20 --model convnet --squeeze-excite=false --wd 0.01 --aug '' --aug-per batch "
                "--label-smoothing 0 --tta=false --save " +
                file("b")));
  EXPECT_EQ(undone.code, 0) << undone.output;
  EXPECT_FALSE(has(undone.output, "test time")) << undone.output;
  EXPECT_EQ(read(file("a")), read(file("b"))) << plain.output << undone.output;
}

TEST_F(Recipes, OnesOwnNumberOfViewsCountsHoweverItIsSaid) {
  const Outcome mirrored = run(small("--recipe best20 --width 0.25 --tta"));
  EXPECT_TRUE(has(mirrored.output, "test time augmentation  accuracy")) << mirrored.output;
  const Outcome many = run(small("--recipe fast5 --width 0.25 --tta-views 18"));
  EXPECT_TRUE(has(many.output, "18 views  accuracy")) << many.output;
}

TEST_F(Recipes, ARunIsThatOfItsEquivalentCommandLine) {
  const Outcome o = run(small("--recipe fast5 --width 0.25 --save " + file("a")));
  ASSERT_EQ(o.code, 0) << o.output;
  std::string line = o.output.substr(0, o.output.find('\n'));
  line = line.substr(line.find(": groundwork ") + 13);
  ASSERT_TRUE(has(line, "--save " + file("a"))) << line;
  line.replace(line.find(file("a")), file("a").size(), file("b"));
  EXPECT_EQ(run(line).code, 0) << line;
  EXPECT_EQ(read(file("a")), read(file("b")));
  EXPECT_NE(read(file("a")), "");
}

TEST_F(Recipes, AllOfThemRun) {
  for (const char* name : {"fast5", "best20", "best50"}) {
    const Outcome o = run(small("--width 0.25 --recipe ") + name);
    EXPECT_EQ(o.code, 0) << o.output;
    EXPECT_TRUE(has(o.output, std::string("recipe ") + name + ": ")) << o.output;
  }
  expect_one_line(small("--recipe cake"), 2, "fast5");
}

TEST_F(Recipes, HoldoutTrainsOnTheRest) {
  const Outcome o = run(train("--holdout --tta-views 10 --save " + file("w") + " --log " + file("log")));
  ASSERT_EQ(o.code, 0) << o.output;
  EXPECT_TRUE(has(o.output, "trains on 87 of the training images; holdout: 9 others of them")) << o.output;
  EXPECT_TRUE(has(o.output, "epoch 1/1  holdout  loss ")) << o.output;
  EXPECT_TRUE(has(o.output, "test time augmentation, 10 views  holdout  accuracy ")) << o.output;
  EXPECT_FALSE(has(o.output, "valid")) << o.output;
  const auto log = log_of("log");
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log[1]["split"], "holdout");
  EXPECT_EQ(log[2]["holdout_accuracy"], log[1]["accuracy"]);
  EXPECT_TRUE(log[2].contains("tta_accuracy"));
  EXPECT_FALSE(log[2].contains("valid_accuracy"));
  // eval finds the same images again.
  const Outcome evaluated = run("eval --holdout --load " + file("w") + " --data " + folder_.path());
  char text[60];
  std::snprintf(text, sizeof text, "held-out training images  loss %.4f  accuracy %.4f", log[1]["loss"].get<double>(),
                log[1]["accuracy"].get<double>());
  EXPECT_TRUE(has(evaluated.output, text)) << evaluated.output << text;
}

TEST_F(Recipes, AveragesAreValidatedAndSaved) {
  const Outcome o = run(three_epochs("--lr 0.1 --average 0.9 --save " + file("w") + " --log " + file("log")));
  ASSERT_EQ(o.code, 0) << o.output;
  const auto log = log_of("log");
  const Outcome evaluated = run("eval --batch 32 --load " + file("w") + " --data " + folder_.path());
  char text[60];
  std::snprintf(text, sizeof text, "loss %.4f  accuracy %.4f", log[5]["loss"].get<double>(),
                log[5]["accuracy"].get<double>());
  EXPECT_TRUE(has(evaluated.output, text)) << evaluated.output << text;

  // The weights that train are those of a run without: so are the losses of training, but not those of validation.
  ASSERT_EQ(run(three_epochs("--lr 0.1 --save " + file("v") + " --log " + file("plain"))).code, 0);
  const auto plain = log_of("plain");
  for (size_t i : {0, 2, 4}) EXPECT_EQ(plain[i]["loss"], log[i]["loss"]) << i;
  for (size_t i : {1, 3, 5}) EXPECT_NE(plain[i]["loss"], log[i]["loss"]) << i;
}

TEST_F(Recipes, LabelSmoothingChangesTheTrainingLossOnly) {
  // At a negligible rate the model stays as it is, so both runs validate alike.
  const std::string still = "--lr 1e-30 --opt sgd --sched constant --log ";
  ASSERT_EQ(run(train(still + file("a"))).code, 0);
  ASSERT_EQ(run(train("--label-smoothing 0.5 " + still + file("b"))).code, 0);
  const auto plain = log_of("a"), smooth = log_of("b");
  EXPECT_NE(plain[0]["loss"], smooth[0]["loss"]);
  EXPECT_EQ(plain[1]["loss"], smooth[1]["loss"]);
}

TEST_F(Recipes, ValuesOutOfRangeAreRefused) {
  expect_one_line(train("--label-smoothing 1"), 2, "--label-smoothing");
  expect_one_line(train("--label-smoothing -0.1"), 2, "below 1");
  expect_one_line(train("--average 1"), 2, "--average");
  expect_one_line(train("--average often"), 2, "below 1");
  expect_one_line(train("--tta-views 3"), 2, "--tta-views");
}

TEST_F(Recipes, ResumingTakesUpTheTestTimeViews) {
  ASSERT_EQ(run(train("--tta-views 10 --average 0.9 --checkpoint " + file("c"))).code, 0);
  const std::string resume = "train --data " + folder_.path() + " --resume " + file("c");
  EXPECT_TRUE(has(run(resume).output, "10 views  accuracy"));
  EXPECT_TRUE(has(run(resume + " --tta-views 18").output, "18 views  accuracy"));
  expect_one_line(resume + " --average 0.99", 1, "--average 0.9, not 0.99");
  expect_one_line(resume + " --label-smoothing 0.1", 1, "--label-smoothing 0, not 0.1");
  expect_one_line(resume + " --holdout", 1, "of a run without --holdout");
}

}  // namespace
}  // namespace gw
