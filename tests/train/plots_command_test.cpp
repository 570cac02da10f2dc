// --plots, show-batch and lr-find as a user meets them.
#include <filesystem>

#include "tensor/cuda.h"
#include "tests/train/command_line.h"

namespace gw {
namespace {

bool has_gnuplot() { return std::system("gnuplot --version > /dev/null 2>&1") == 0; }

class Plots : public CommandLine {
 protected:
  bool drawn(const std::string& name) const { return read(file("p/" + name + ".png")).substr(0, 4) == "\x89PNG"; }
};

TEST_F(Plots, TrainDrawsItAll) {
  const Outcome o = run(train("--aug crop,flip --stats GeneralRelu,Flatten --plots " + file("p")));
  ASSERT_EQ(o.code, 0) << o.output;
  for (const char* picture : {"first_batch", "most_confused"}) EXPECT_TRUE(drawn(picture)) << picture;
  const std::string page = read(file("p/index.html"));
  EXPECT_NE(page.find("first_batch.png"), std::string::npos);
  if (!has_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  for (const char* picture : {"training", "confusion", "activation_stats", "color_dim", "dead"}) {
    EXPECT_TRUE(drawn(picture)) << picture;
    EXPECT_NE(page.find(std::string(picture) + ".png"), std::string::npos);
  }
}

TEST_F(Plots, TrainDrawsItAllOnACudaDevice) {
  if (cuda::device_count() == 0) GTEST_SKIP() << "needs a CUDA device";
  const Outcome o = run(train("--device cuda --average 0.9 --stats GeneralRelu --plots " + file("p")));
  ASSERT_EQ(o.code, 0) << o.output;
  EXPECT_TRUE(drawn("first_batch"));
  EXPECT_EQ(drawn("color_dim"), has_gnuplot());
  expect_one_line(train("--device cuda --graph --plots " + file("p")), 1, "leaves no activations to draw");
}

TEST_F(Plots, ThePicturesChangeNothing) {
  ASSERT_EQ(run(train("--save " + file("a"))).code, 0);
  ASSERT_EQ(run(train("--save " + file("b") + " --plots " + file("p"))).code, 0);
  EXPECT_EQ(read(file("a")), read(file("b")));
}

TEST_F(Plots, WithoutGnuplotEverythingElseGoesOn) {
  const std::string program = std::string(GROUNDWORK_BINARY_DIR) + "/groundwork ";
  const std::string command = "PATH=/nowhere " + program + train("--plots " + file("p") + " --save " + file("w")) +
                              " > " + file("out") + " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
  const std::string output = read(file("out")), line = "install the package gnuplot-nox";
  const size_t at = output.find(line);
  ASSERT_NE(at, std::string::npos) << output;
  EXPECT_EQ(output.find(line, at + 1), std::string::npos) << "once is enough\n" << output;
  EXPECT_TRUE(drawn("first_batch"));
  EXPECT_TRUE(std::filesystem::exists(file("w")));
  EXPECT_FALSE(std::filesystem::exists(file("p/training.png")));
}

TEST_F(Plots, APictureThatCannotBeWrittenCostsNothingElse) {
  folder_.write("p/first_batch.png/below", "");
  const Outcome o = run(train("--tta --plots " + file("p") + " --save " + file("w") + " --log " + file("log")));
  EXPECT_EQ(o.code, 0) << o.output;
  const size_t at = o.output.find("plots: no more pictures: ");
  ASSERT_NE(at, std::string::npos) << o.output;
  EXPECT_EQ(o.output.find("plots: ", at + 1), std::string::npos) << o.output;
  EXPECT_EQ(o.output.find("index.html"), std::string::npos) << o.output;
  EXPECT_NE(read(file("log")).find("tta_accuracy"), std::string::npos);
  EXPECT_EQ(run("eval --load " + file("w") + " --data " + folder_.path()).code, 0);
}

TEST_F(Plots, BadFoldersAndModulesAreReported) {
  folder_.write("file", "");
  expect_one_line(train("--plots " + file("file")), 1, "plots: ");
  expect_one_line(train("--plots /proc/plots"), 1, "plots: /proc/plots");
  expect_one_line(train("--stats Linear"), 2, "--plots");
  expect_one_line(train("--plots " + file("p") + " --stats Frog"), 1, "select_modules");
  expect_one_line("show-batch --plots " + file("file") + " --data " + folder_.path(), 1, "plots: ");
  expect_one_line("lr-find --model convnet --plots " + file("file"), 1, "plots: ");
}

TEST_F(Plots, ShowBatch) {
  const std::string data = " --batch 32 --data " + folder_.path();
  const Outcome o = run("show-batch --aug crop=2,erase --plots " + file("p") + data);
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_TRUE(drawn("batch"));
  const std::string augmented = read(file("p/batch.png"));
  EXPECT_EQ(run("show-batch --plots " + file("p") + data).code, 0);
  EXPECT_NE(read(file("p/batch.png")), augmented);
  expect_one_line("show-batch --aug frogs" + data, 2, "frogs");
}

TEST_F(Plots, LrFind) {
  const std::string data = " --batch 32 --data " + folder_.path();
  const Outcome o = run("lr-find --model convnet --gamma 1.5 --plots " + file("p") + data);
  EXPECT_EQ(o.code, 0) << o.output;
  EXPECT_NE(o.output.find("suggested learning rate: "), std::string::npos) << o.output;
  EXPECT_EQ(drawn("lr_finder"), has_gnuplot());
  expect_one_line("lr-find --model convnet --gamma 0.5" + data, 1, "gamma");
  expect_one_line("lr-find" + data, 2, "--model is required");
}

}  // namespace
}  // namespace gw
