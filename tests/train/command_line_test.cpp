// The program as a user meets it: exit codes, messages, files.
#include <csignal>

#include "tensor/cuda.h"
#include "tensor/safetensors.h"
#include "tests/train/command_line.h"

namespace gw {
namespace {

TEST_F(CommandLine, HelpAndUsage) {
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_NE(run("train --help").output.find("--epochs"), std::string::npos);
  expect_one_line("", 2, "exactly one of the commands summary, train, eval");
  expect_one_line("dance", 2, "dance");
  expect_one_line(train("--frobnicate 3"), 2, "--frobnicate");
  expect_one_line("train --model resnet-huge", 2, "resnet-wide");
  expect_one_line("train", 2, "--model is required");
  expect_one_line(train("--dtype f16"), 2, "bf16");
  expect_one_line("train --model convnet --epochs 0", 2, "--epochs");
  expect_one_line("train --model convnet --epochs -3", 2, "--epochs");
  expect_one_line("train --model convnet --epochs many", 2, "--epochs");
  expect_one_line(train("--lr 0"), 2, "--lr");
  expect_one_line(train("--lr nan"), 2, "--lr");
  expect_one_line(train("--seed -4"), 2, "--seed");
  expect_one_line(train("--limit 0"), 2, "--limit");
  expect_one_line("train --model convnet --batch 2.5", 2, "--batch");
  expect_one_line(train("--opt frogs"), 2, "adamw");
  expect_one_line(train("--sched never"), 2, "one-cycle");
  expect_one_line(train("--aug blur"), 2, "got 'blur'");
  expect_one_line(train("--aug-per pixel"), 2, "image");
  expect_one_line("eval", 2, "--load is required");
}

TEST_F(CommandLine, SummaryPrintsTheTable) {
  const Outcome o = run("summary --model resnet");
  EXPECT_EQ(o.code, 0);
  EXPECT_NE(o.output.find("1228908"), std::string::npos) << o.output;
}

TEST_F(CommandLine, DevicesAndData) {
  expect_one_line(train("--device cuda:99"), 1, "cuda:99");
  if (cuda::device_count() == 0) expect_one_line(train("--device cuda"), 1, "no CUDA");
  expect_one_line(train("--graph"), 1, "--graph needs --device cuda");
  expect_one_line(train("--device toaster"), 1, "toaster");
  expect_one_line("train --model convnet --data " + file("nowhere"), 1, "no folder fashion-mnist");
  expect_one_line("train --model convnet --batch 1000 --data " + folder_.path(), 1,
                  "a batch of 1000 is more than the 96 training images");
  folder_.write("fashion-mnist/train-labels-idx1-ubyte", "short");
  expect_one_line(train(""), 1, "train-labels-idx1-ubyte");
}

TEST_F(CommandLine, SummaryTakesLayersAndSizes) {
  const Outcome o = run("summary --model resnet18 --channels 3 --size 64 --classes 7 --batch 2 --act silu");
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_NE(o.output.find("|SiLU|(2, 64, 32, 32)|"), std::string::npos) << o.output;
  EXPECT_NE(o.output.find("|Linear|(2, 512)|(2, 7)|3591|"), std::string::npos) << o.output;
  expect_one_line("summary --model resnet --act step", 2, "general-relu");
  expect_one_line("summary --model resnet --act general-relu:x", 2, "numbers after each colon");
  expect_one_line("summary --model resnet --width 0", 2, "--width");
  expect_one_line("summary --model resnet --norm spectral", 2, "running");
  expect_one_line("summary --model convnet --squeeze-excite", 1, "residual blocks");
  expect_one_line("summary --model resnet18 --pre-activation", 1, "lesson's models only");
}

TEST_F(CommandLine, WeightsRememberTheirLayers) {
  const std::string run_it = "train --model resnet-slim --batch 16 --limit 32 --epochs 1 --data " + folder_.path();
  const Outcome trained =
      run(run_it + " --save " + file("w") + " " + "--act mish --squeeze-excite --pre-activation --width 0.5");
  EXPECT_EQ(trained.code, 0) << trained.output;
  const Outcome evaluated = run("eval --limit 32 --load " + file("w") + " --data " + folder_.path());
  EXPECT_EQ(evaluated.code, 0) << evaluated.output;
  const std::string accuracy = trained.output.substr(trained.output.rfind("accuracy"), 15);
  EXPECT_NE(evaluated.output.find(accuracy), std::string::npos) << trained.output << evaluated.output;

  SafetensorsFile weights = load_safetensors(file("w"));
  weights.metadata["layers"] = "{\"act\": 7}";
  save_safetensors(file("w"), weights.tensors, weights.metadata);
  expect_one_line("eval --load " + file("w"), 1, "cannot be understood");
}

TEST_F(CommandLine, AugmentsBySeed) {
  const auto weights_after = [&](const std::string& options) {
    const Outcome o = run(train("--save " + file("a.safetensors") + " " + options));
    EXPECT_EQ(o.code, 0) << o.output;
    return read(file("a.safetensors"));
  };
  const std::string augmented = weights_after("--aug crop=2,flip,erase,copy --aug-per image");
  EXPECT_EQ(augmented, weights_after("--aug crop=2,flip,erase,copy --aug-per image"));
  EXPECT_NE(augmented, weights_after("--aug crop=2,flip,erase,copy"));
  EXPECT_NE(augmented, weights_after(""));
}

TEST_F(CommandLine, TrainsLogsSavesAndEvaluates) {
  const Outcome trained = run(train("--tta --save " + file("w.safetensors") + " --log " + file("log")));
  EXPECT_EQ(trained.code, 0) << trained.output;
  EXPECT_NE(trained.output.find("epoch 1/1  valid"), std::string::npos) << trained.output;
  const std::string log = read(file("log"));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 3);
  EXPECT_NE(log.find("\"event\":\"end\""), std::string::npos);
  EXPECT_NE(log.find("tta_accuracy"), std::string::npos);

  const SafetensorsFile weights = load_safetensors(file("w.safetensors"));
  EXPECT_TRUE(weights.contains("0.0.weight"));
  const std::string data = " --batch 32 --data " + folder_.path();
  const Outcome evaluated = run("eval --load " + file("w.safetensors") + data);
  EXPECT_EQ(evaluated.code, 0) << evaluated.output;
  // The last epoch's validation line and this evaluation speak of the same weights.
  const size_t at = evaluated.output.find("accuracy ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_NE(trained.output.find(evaluated.output.substr(at, 15)), std::string::npos)
      << trained.output << evaluated.output;
  EXPECT_EQ(run("eval --tta --load " + file("w.safetensors") + data).code, 0);

  expect_one_line("eval --model resnet --load " + file("w.safetensors") + data, 1, "load_state_dict");
  save_safetensors(file("nameless"), weights.tensors);
  expect_one_line("eval --load " + file("nameless") + data, 1, "--model");
  EXPECT_EQ(run("eval --model convnet --load " + file("nameless") + data).code, 0);
  expect_one_line("eval --load " + file("nothing") + data, 1, "No such file");
  folder_.write("text", "not a safetensors file");
  expect_one_line("eval --load " + file("text") + data, 1, "text");
}

TEST_F(CommandLine, MixedPrecisionAndEveryOptimizerAndSchedule) {
  EXPECT_EQ(run(train("--dtype bf16")).code, 0);
  for (const char* optimizer : {"sgd", "momentum", "adam", "adamw"})
    EXPECT_EQ(run(train(std::string("--lr 1e-3 --limit 64 --opt ") + optimizer)).code, 0) << optimizer;
  for (const char* schedule : {"constant", "cosine", "exponential", "linear", "one-cycle"})
    EXPECT_EQ(run(train(std::string("--limit 64 --sched ") + schedule)).code, 0) << schedule;
}

TEST_F(CommandLine, LogsLossesOfSteps) {
  ASSERT_EQ(run(train("--log " + file("log") + " --log-every 2")).code, 0);
  const std::string log = read(file("log"));
  EXPECT_NE(log.find("{\"event\":\"steps\",\"epoch\":0,\"step\":2,\"loss\":"), std::string::npos) << log;
  EXPECT_NE(log.find("\"step\":3,"), std::string::npos) << log;
  expect_one_line(train("--log-every 2"), 2, "--log");
  expect_one_line(train("--log " + file("log") + " --log-every 0"), 2, "--log-every");
}

TEST_F(CommandLine, OneSeedOneResult) {
  const auto log_of = [&](const std::string& name, int seed) {
    EXPECT_EQ(run(train("--seed " + std::to_string(seed) + " --log " + file(name))).code, 0);
    std::string text = read(file(name));
    // All but the times.
    for (const char* key : {"\"seconds\":", "\"train_seconds\":", "\"total_seconds\":"})
      for (size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1))
        text.erase(at, text.find_first_of(",}", at) - at);
    return text;
  };
  EXPECT_EQ(log_of("a", 1), log_of("b", 1));
  EXPECT_NE(log_of("a", 1), log_of("c", 2));
}

TEST_F(CommandLine, NanLossStopsAndKeepsTheOldWeights) {
  folder_.write("w.safetensors", "an earlier file");
  const Outcome o = run(train("--lr 1e30 --sched constant --opt sgd --save " + file("w.safetensors")));
  EXPECT_EQ(o.code, 1) << o.output;
  EXPECT_NE(o.output.find("at step"), std::string::npos) << o.output;
  EXPECT_EQ(read(file("w.safetensors")), "an earlier file");
}

TEST_F(CommandLine, UnwritablePlacesAreReportedAtOnce) {
  expect_one_line(train("--save " + file("no/such/w")), 1, "No such file");
  expect_one_line(train("--log " + file("no/such/log")), 1, "No such file");
  const Outcome full = run(train("--log /dev/full"));
  EXPECT_EQ(full.code, 1) << full.output;
  EXPECT_NE(full.output.find("No space left"), std::string::npos) << full.output;
}

TEST_F(CommandLine, CtrlCEndsAtTheNextBatchAndSaves) {
  const std::string save = file("w.safetensors");
  const std::string arguments =
      "train --model convnet --batch 32 --epochs 100000 --data " + folder_.path() + " --save " + save;
  const std::string command = "timeout --preserve-status -s INT 2 " + std::string(GROUNDWORK_BINARY_DIR) +
                              "/groundwork " + arguments + " > " + file("out") + " 2>&1";
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_NE(read(file("out")).find("interrupted in epoch"), std::string::npos);
  EXPECT_NO_THROW(load_safetensors(save));
}

}  // namespace
}  // namespace gw
