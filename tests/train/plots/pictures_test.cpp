#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tensor/creation.h"
#include "tensor/file.h"
#include "tests/data/temporary_folder.h"
#include "train/confusion.h"
#include "train/plots/image_grid.h"
#include "train/plots/plot_folder.h"

namespace gw {
namespace {

TEST(Canvas, DrawsImagesTextAndCutsOff) {
  Canvas canvas(20, 10);
  const Tensor image = from_values<uint8_t>({0, 100, 200, 255}, {1, 2, 2}, {.dtype = DType::u8});
  canvas.draw_image(1, 1, image, 3);
  EXPECT_EQ(canvas.at(0, 0).r, 255);
  EXPECT_EQ(canvas.at(1, 1).g, 0);
  EXPECT_EQ(canvas.at(4, 3).b, 100);
  EXPECT_EQ(canvas.at(3, 6).r, 200);
  canvas.draw_image(18, 8, image, 50);
  canvas.fill_rect(-5, -5, 8, 6, {1, 2, 3});
  EXPECT_EQ(canvas.at(2, 0).b, 3);
  const Tensor color = from_values<uint8_t>({10, 20, 30}, {3, 1, 1}, {.dtype = DType::u8});
  canvas.draw_image(12, 2, color, 1);
  EXPECT_EQ(canvas.at(12, 2).g, 20);
  Canvas text(60, 20);
  text.draw_text(0, 2, "I\xc3\xa9\n", 1);
  int dark = 0;
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 60; ++x) dark += text.at(x, y).r < 255;
  EXPECT_GT(dark, 5);
  EXPECT_THROW(canvas.at(20, 0), ShapeError);
  EXPECT_THROW(canvas.draw_image(0, 0, zeros({1, 2, 2}), 1), ShapeError);
  EXPECT_EQ(canvas.png().substr(1, 3), "PNG");
}

TEST(Canvas, TextIsMadeToFit) {
  EXPECT_EQ(fitting_text("short", 1, 200), "short");
  const std::string cut = fitting_text("a very long name of a class", 1, 60);
  EXPECT_LE(text_width(cut, 1), 60);
  EXPECT_EQ(cut.substr(cut.size() - 2), "..");
}

TEST(ImageGrid, HasACellForEachImage) {
  const Tensor images = full({5, 1, 28, 28}, 7, {.dtype = DType::u8});
  const Canvas plain = image_grid(images, {}, {.columns = 3});
  EXPECT_EQ(plain.at(20, 20).r, 7);
  const Canvas titled = image_grid(images, std::vector<ImageTitle>(5, {"Bag", true}), {.title = "T", .columns = 3});
  EXPECT_GT(titled.height(), plain.height());
  EXPECT_NO_THROW(image_grid(empty({0, 1, 28, 28}, {.dtype = DType::u8}), {}));
  EXPECT_THROW(image_grid(images, {{"one"}}), ShapeError);
  EXPECT_THROW(image_grid(zeros({2, 2}), {}), ShapeError);
}

TEST(ImageGrid, ShowsNormalisedImagesAsTheyWere) {
  const ImageDataset dataset{{}, {}, {}, {0.28f}, {0.35f}};
  const Tensor bytes = from_values<float>({0, 1, 127, 254, 255, 90}, {1, 1, 2, 3});
  const Tensor x = (bytes / 255 - 0.28) / 0.35;
  EXPECT_EQ(visible_images(x, dataset).to_vector<float>(), bytes.to_vector<float>());
  EXPECT_EQ(visible_images(x * 100, dataset).to_vector<float>()[4], 255);
  EXPECT_THROW(visible_images(zeros({1, 3, 2, 2}), dataset), ShapeError);
}

TEST(Confusion, CountsAndFindsTheWorstPairs) {
  // Predicted 0, 1, 1, 1, 0 for 0, 0, 0, 1, 1.
  const Tensor logits = from_values<float>({3, 0, 0, 1, 0, 5, 0, 2, 1, 0}, {5, 2});
  const Tensor targets = from_values<int64_t>({0, 0, 0, 1, 1}, {5}, {.dtype = DType::i64});
  EXPECT_EQ(confusion_matrix(logits, targets), (std::vector<std::vector<int64_t>>{{1, 2}, {1, 1}}));
  const auto pairs = most_confused(logits, targets, 5);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[0].actual, 0);
  EXPECT_EQ(pairs[0].predicted, 1);
  EXPECT_EQ(pairs[0].items, (std::vector<int64_t>{2, 1})) << "the surest first";
  EXPECT_EQ(most_confused(logits, targets, 1).size(), 1u);
  EXPECT_THROW(confusion_matrix(logits, from_values<int64_t>({0, 0, 0, 1, 2}, {5}, {.dtype = DType::i64})), ShapeError);
  EXPECT_THROW(confusion_matrix(logits, targets.slice(0, 0, 3)), ShapeError);
}

TEST(PlotFolder, WritesPicturesAndAPage) {
  const TemporaryFolder folder;
  PlotFolder plots(folder.file("a/b"));
  plots.add("one", "1 < 2 & \"so on\"", Canvas(5, 5));
  folder.write("a/b/older.png", "of an earlier command");
  plots.add("one", "again", Canvas(6, 6));
  const std::string html = read_file(folder.file("a/b/index.html"));
  EXPECT_NE(html.find("<img src=\"one.png\" alt=\"again\">"), std::string::npos) << html;
  EXPECT_NE(html.find("older.png"), std::string::npos);
  EXPECT_EQ(html.find("so on"), std::string::npos);
  EXPECT_EQ(read_file(folder.file("a/b/one.png")).substr(1, 3), "PNG");
}

TEST(PlotFolder, IsRefusedAtOnceWhereItCannotBe) {
  const TemporaryFolder folder;
  folder.write("file", "");
  EXPECT_THROW(PlotFolder(folder.file("file")), IoError);
  EXPECT_THROW(PlotFolder(folder.file("file/below")), IoError);
  EXPECT_THROW(PlotFolder("/proc/plots"), IoError);
}

TEST(PlotFolder, AFailureEndsItOrOnlyItsPictures) {
  const TemporaryFolder folder;
  PlotFolder strict(folder.file("a"));
  folder.write("a/one.png/below", "");  // nothing can be written in this picture's place
  EXPECT_THROW(strict.add("one", "", Canvas(5, 5)), IoError);

  PlotFolder patient(folder.file("b"), PlotFolder::OnFailure::go_on);
  patient.add("zero", "", Canvas(5, 5));
  EXPECT_TRUE(patient.is_open());
  folder.write("b/one.png/below", "");
  testing::internal::CaptureStderr();
  for (const char* name : {"one", "one", "two"}) patient.add(name, "", Canvas(5, 5));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  EXPECT_NE(said.find("no more pictures: "), std::string::npos) << said;
  EXPECT_FALSE(patient.is_open());
  EXPECT_FALSE(std::filesystem::exists(folder.file("b/two.png")));
}

}  // namespace
}  // namespace gw
