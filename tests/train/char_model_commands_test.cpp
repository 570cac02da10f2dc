// charlm and generate as a user meets them.
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tensor/creation.h"
#include "tensor/cuda.h"
#include "tensor/safetensors.h"
#include "tests/train/command_line.h"
#include "train/generate.h"

namespace gw {
namespace {

class CharModelCommands : public testing::Test {
 protected:
  CharModelCommands() {
    std::string text;
    for (int i = 0; i < 120; ++i) text += "Der K\xc3\xa4se ist gut. ";
    folder_.write("text", text);
  }

  std::string file(const std::string& name) const { return folder_.file(name); }
  /// One epoch of a small model, unless `more` says otherwise.
  std::string charlm(const std::string& more) const {
    std::string few = more.find("--epochs") == std::string::npos ? "--epochs 1 " : "";
    if (more.find("--hidden") == std::string::npos) few += "--hidden 16 ";
    return "charlm --text " + file("text") + " --embed 8 --batch 8 --bptt 8 " + few + more;
  }
  std::string trained(const std::string& more = "") const {
    const Outcome o = run(charlm("--save " + file("m.safetensors") + " " + more));
    EXPECT_EQ(o.code, 0) << o.output;
    return file("m.safetensors");
  }

  TemporaryFolder folder_;
};

TEST_F(CharModelCommands, TrainsAndWrites) {
  const std::string model = trained("--epochs 3 --lr 0.02 --cell gru --log " + file("log"));
  std::istringstream log(read(file("log")));
  std::vector<double> losses;
  for (std::string line; std::getline(log, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json["event"] == "epoch" && json["split"] == "train") losses.push_back(json["loss"]);
  }
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_LT(losses[2], 0.8 * losses[0]);

  const std::string generate = "generate --load " + model + " --prompt 'Der K\xc3\xa4' --chars 20 ";
  const Outcome a = run(generate + "--seed 1"), again = run(generate + "--seed 1"), b = run(generate + "--seed 2");
  EXPECT_EQ(a.code, 0) << a.output;
  EXPECT_EQ(a.output, again.output);
  EXPECT_NE(a.output, b.output);
  EXPECT_TRUE(a.output.starts_with("Der K\xc3\xa4")) << a.output;
  EXPECT_EQ(split_tokens(a.output, TokenKind::character).size(), 6u + 20u + 1u);
  // The likeliest only: the seed does not matter.
  EXPECT_EQ(run(generate + "--top-k 1 --seed 1").output, run(generate + "--top-k 1 --seed 2").output);
}

TEST_F(CharModelCommands, EveryCellAndDropoutAndCycles) {
  for (const std::string cell : {"rnn", "lstm"}) {
    const std::string model =
        trained("--layers 2 --dropout 0.2 --epochs 3 --cycle-len 1 --cycle-mult 2 --cell " + cell);
    // Cycles of one and two epochs.
    for (const char* name : {"m-cycle1.safetensors", "m-cycle2.safetensors"}) {
      EXPECT_EQ(run("generate --prompt D --chars 3 --load " + file(name)).code, 0);
      std::filesystem::remove(file(name));
    }
    EXPECT_FALSE(std::filesystem::exists(file("m-cycle3.safetensors")));
    EXPECT_EQ(run("generate --prompt D --chars 3 --load " + model).code, 0);
  }
}

TEST_F(CharModelCommands, OneSeedGivesOneResult) {
  const std::string first = read(trained("--seed 3")), second = read(trained("--seed 3")),
                    other = read(trained("--seed 4"));
  EXPECT_EQ(first, second);
  EXPECT_NE(first, other);
}

TEST_F(CharModelCommands, ClippingTakesPart) {
  const std::string free = read(trained("--opt sgd --lr 1")), loose = read(trained("--opt sgd --lr 1 --clip 1e6"));
  EXPECT_EQ(free, loose);
  EXPECT_NE(free, read(trained("--opt sgd --lr 1 --clip 0.01")));
}

TEST_F(CharModelCommands, LowerCaseHoldsForThePromptToo) {
  const std::string model = trained("--lower");
  const Outcome o = run("generate --prompt DER --chars 5 --load " + model);
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_TRUE(o.output.starts_with("der")) << o.output;
}

TEST_F(CharModelCommands, DevicesAgree) {
  if (cuda::device_count() == 0) GTEST_SKIP() << "needs a CUDA device";
  const auto final_loss = [&](const std::string& more) {
    const Outcome o = run(charlm("--cell lstm --layers 2 --hidden 8 --log " + file("log") + more));
    EXPECT_EQ(o.code, 0) << o.output;
    std::istringstream log(read(file("log")));
    double loss = 0;
    for (std::string line; std::getline(log, line);) loss = nlohmann::json::parse(line).value("loss", loss);
    return loss;
  };
  EXPECT_NEAR(final_loss(" --device cuda --save " + file("cuda.safetensors")), final_loss(""), 1e-3);
  const std::string generate = "generate --prompt Der --chars 10 --load " + file("cuda.safetensors");
  EXPECT_EQ(run(generate + " --device cuda").output, run(generate).output);
}

TEST_F(CharModelCommands, MixedPrecision) {
  for (const std::string cell : {"rnn", "gru", "lstm"}) {
    const std::string model = trained("--layers 2 --dropout 0.1 --dtype bf16 --cell " + cell);
    const Outcome o = run("generate --prompt Der --chars 5 --load " + model);
    EXPECT_EQ(o.code, 0) << o.output;
  }
  expect_one_line(charlm("--dtype f16"), 2, "bf16");
}

TEST_F(CharModelCommands, AGraphOnTheDeviceOnly) {
  expect_one_line(charlm("--graph"), 1, "charlm: --graph needs --device cuda");
  if (cuda::device_count() == 0) GTEST_SKIP() << "needs a CUDA device";
  const Outcome o = run(charlm("--cell gru --hidden 8 --epochs 2 --dropout 0.1 --device cuda --graph"));
  EXPECT_EQ(o.code, 0) << o.output;
}

TEST_F(CharModelCommands, BadInputIsOneLine) {
  const std::string model = trained(), generate = "generate --load " + model + " --prompt ";
  expect_one_line(generate + "'D\xe2\x82\xacr!'", 1, "lacks \"\xe2\x82\xac\", \"!\" of the prompt");
  expect_one_line(generate + "''", 1, "expected a prompt");
  expect_one_line(generate + "D --temperature 0", 1, "temperature above 0, got 0");
  expect_one_line(generate + "D --temperature -1", 1, "temperature above 0, got -1");
  expect_one_line(generate + "\"$(printf 'D\\377')\"", 1, "UTF-8");
  expect_one_line(generate + "D --top-k -2", 2, "--top-k");
  expect_one_line(generate + "D --chars 0", 2, "--chars");
  expect_one_line("generate --prompt D --load " + file("none"), 1, "none");
  save_safetensors(file("other"), {}, {{"model", "resnet"}});
  expect_one_line("generate --prompt D --load " + file("other"), 1, "is not of a character model");
  SafetensorsFile damaged = load_safetensors(model);
  damaged.metadata["vocabulary"] = "[\"a\"]";
  save_safetensors(file("damaged"), damaged.tensors, damaged.metadata);
  expect_one_line("generate --prompt D --load " + file("damaged"), 1, "is damaged");
  expect_one_line("eval --load " + model, 1, "charlm");

  folder_.write("empty", "");
  expect_one_line("charlm --text " + file("empty"), 1, "is empty");
  folder_.write("short", "abcabc");
  expect_one_line("charlm --text " + file("short"), 1, "too short for a batch of 64 rows");
  folder_.write("half", "abc\xff" + std::string(40, 'a'));
  folder_.write("binary", "abc\xff");
  expect_one_line("charlm --text " + file("binary"), 1, "byte 3");
  EXPECT_EQ(run("charlm --replace-invalid --batch 1 --hidden 4 --epochs 1 --text " + file("half")).code, 0);
  expect_one_line("charlm --text " + file("nowhere"), 1, "nowhere");
  expect_one_line(charlm("--cell transformer"), 2, "--cell");
  expect_one_line(charlm("--hidden 0"), 2, "--hidden");
  expect_one_line(charlm("--save /nowhere/m"), 1, "/nowhere/m");
}

TEST(SampleToken, FollowsTheSoftmax) {
  const Tensor logits = tensor({5, 0, std::log(3.0f), 0});  // the first is the unknown token
  Generator generator(1);
  std::vector<int> counts(4);
  for (int i = 0; i < 4000; ++i) ++counts[static_cast<size_t>(sample_token(logits, {}, generator))];
  EXPECT_EQ(counts[0], 0);
  EXPECT_NEAR(counts[2], 2400, 120);
  EXPECT_NEAR(counts[1], 800, 100);
  std::vector<int> colder(4);
  for (int i = 0; i < 4000; ++i) ++colder[static_cast<size_t>(sample_token(logits, {.temperature = 0.5}, generator))];
  EXPECT_NEAR(colder[2], 4000 * 9 / 11.0, 120);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(sample_token(logits, {.top_k = 1}, generator), 2);
  EXPECT_EQ(sample_token(tensor({0, -1e30f, 1e30f}), {.temperature = 1e-3}, generator), 2);
  EXPECT_THROW(sample_token(tensor({1}), {}, generator), ConfigError);
}

}  // namespace
}  // namespace gw
