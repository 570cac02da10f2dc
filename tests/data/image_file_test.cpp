#include "data/image_file.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "tensor/creation.h"
#include "tensor/file.h"
#include "tests/data/temporary_folder.h"

namespace gw {
namespace {

std::string test_image(const std::string& name) {
  return std::string(GROUNDWORK_SOURCE_DIR) + "/tests/data/images/" + name;
}

std::string error_of(const std::string& path) {
  try {
    read_image(path);
  } catch (const IoError& e) {
    return e.what();
  }
  return "no error";
}

void expect_error(const std::string& path, const std::string& part) {
  EXPECT_NE(error_of(path).find(part), std::string::npos) << error_of(path);
  EXPECT_NE(error_of(path).find(path), std::string::npos) << error_of(path);
}

TEST(ReadImage, EveryKindOfPngAndJpeg) {
  for (const char* name : {"grey.png", "rgb.png", "palette.png", "deep.png", "animated.png", "grey.jpg", "rgb.jpg",
                           "progressive.jpg", "cmyk.jpg"}) {
    const Tensor image = read_image(test_image(name));
    ASSERT_EQ(image.shape(), (Shape{3, 12, 20})) << name;
    const auto value = image.to_vector<int32_t>();
    for (size_t i = 0; i < value.size(); ++i) EXPECT_NEAR(value[i], i % 20 < 10 ? 40 : 220, 3) << name << " " << i;
  }
}

TEST(ReadImage, TransparentPixelsLieOnWhite) {
  const auto value = read_image(test_image("alpha.png")).to_vector<int32_t>();
  for (size_t i = 0; i < value.size(); ++i) EXPECT_EQ(value[i], i % 20 < 10 ? 255 : 220) << i;
}

TEST(ReadImage, RefusesWhatIsNoPngOrJpeg) {
  const TemporaryFolder folder;
  expect_error(folder.file("nothing"), "No such file");
  expect_error(folder.path(), "directory");
  expect_error(folder.write("empty.png", ""), "the file is empty");
  expect_error(folder.write("text.png", "hello"), "expected a PNG or JPEG image");
  expect_error(test_image("animated.gif"), "got a GIF");
}

TEST(ReadImage, EveryCutIsNoticed) {
  const TemporaryFolder folder;
  for (const char* name : {"rgb.png", "rgb.jpg", "progressive.jpg"}) {
    const std::string whole = read_file(test_image(name));
    for (size_t length = 0; length < whole.size(); length += length < 60 ? 1 : 17)
      EXPECT_NE(error_of(folder.write("cut", whole.substr(0, length))), "no error") << name << " of " << length;
    EXPECT_NE(error_of(folder.write("cut", whole.substr(0, whole.size() - 1))), "no error") << name;
  }
}

TEST(ReadImage, NoDamageCrashesIt) {
  const TemporaryFolder folder;
  for (const char* name : {"palette.png", "deep.png", "progressive.jpg", "cmyk.jpg"}) {
    const std::string whole = read_file(test_image(name));
    for (size_t i = 0; i < whole.size(); ++i) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
      error_of(folder.write("damaged", damaged));
    }
  }
  std::string damaged = read_file(test_image("rgb.png"));
  damaged[50] = static_cast<char>(damaged[50] ^ 4);
  expect_error(folder.write("damaged.png", damaged), "checksum");
}

TEST(ReadImage, ScansMayUseOnlyTheTablesThatAreThere) {
  const TemporaryFolder folder;
  const std::string huffman = "\xff\xc4";
  for (const char* name : {"rgb.jpg", "progressive.jpg"})
    for (const char table : {'\x00', '\x01', '\x10', '\x11'}) {
      std::string bytes = read_file(test_image(name));
      int removed = 0;
      for (size_t at = bytes.find(huffman); at != std::string::npos; at = bytes.find(huffman, at)) {
        const size_t length = 2 + static_cast<uint8_t>(bytes[at + 2]) * 256u + static_cast<uint8_t>(bytes[at + 3]);
        if (bytes[at + 4] == table)
          bytes.erase(at, length), ++removed;
        else
          at += length;
      }
      EXPECT_GT(removed, 0) << name;
      expect_error(folder.write("no_table.jpg", bytes), "table is missing");
    }
}

TEST(ReadImage, AHugeOneIsRefusedBeforeItTakesMemory) {
  const TemporaryFolder folder;
  std::string huge = read_file(test_image("rgb.jpg"));
  const size_t frame = huge.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  huge.replace(frame + 5, 4, "\x7f\xff\x7f\xff");  // height and width
  expect_error(folder.write("huge.jpg", huge), "32767 x 32767 pixels");
  huge.replace(frame + 5, 4, "\xff\xff\xff\xff");
  expect_error(folder.write("huge.jpg", huge), "65535 x 65535 pixels are more than the 64 million");

  std::string png = read_file(test_image("rgb.png"));
  const size_t header = png.find("IHDR");
  const auto with_size = [&](const std::string& width_and_height) {
    png.replace(header + 4, 8, width_and_height);
    const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(png.data() + header), 17);
    for (size_t i = 0; i < 4; ++i) png[header + 17 + i] = static_cast<char>(sum >> (24 - 8 * i));
    return folder.write("huge.png", png);
  };
  expect_error(with_size(std::string("\x00\x01\x86\xa0\x00\x01\x86\xa0", 8)),
               "100000 x 100000 pixels are more than the 64 million");
  // More pixels than 63 bits can count.
  expect_error(with_size(std::string("\xeb\xc1\x04\x00\xb0\x62\x00\x00", 8)),
               "3955295232 x 2959212544 pixels are more than the 64 million");
  expect_error(with_size("\xff\xff\xff\xff\xff\xff\xff\xff"), "4294967295 x 4294967295 pixels");
}

Tensor rgb_of(const std::vector<uint8_t>& grey, int64_t height, int64_t width) {
  return from_values(grey, {1, height, width}, {.dtype = DType::u8}).expand({3, height, width}).contiguous();
}

TEST(FitImage, KeepsPixelsOfTheRightSize) {
  std::vector<uint8_t> grey(28 * 28);
  for (size_t i = 0; i < grey.size(); ++i) grey[i] = static_cast<uint8_t>(i % 28 < 4 ? 0 : i * 7 % 256);
  const Tensor fitted = fit_image(rgb_of(grey, 28, 28), 1, 28, 28, {.invert = Invert::never});
  EXPECT_EQ(fitted.to_vector<uint8_t>(), grey);
  const Tensor inverted = fit_image(rgb_of(grey, 28, 28), 1, 28, 28, {.invert = Invert::always});
  for (size_t i = 0; i < grey.size(); ++i) EXPECT_EQ(inverted.to_vector<uint8_t>()[i], 255 - grey[i]);
}

TEST(FitImage, TurnsDarkOnBrightAround) {
  std::vector<uint8_t> grey(30 * 30, 250);
  for (size_t y = 10; y < 20; ++y) std::fill_n(grey.begin() + static_cast<ptrdiff_t>(y * 30 + 10), 10, uint8_t{20});
  const auto fitted = fit_image(rgb_of(grey, 30, 30), 1, 28, 28, {.trim = false}).to_vector<uint8_t>();
  EXPECT_EQ(fitted[0], 5);
  EXPECT_EQ(fitted[14 * 28 + 14], 235);
}

TEST(FitImage, MarginsKeepTheProportions) {
  // A bright bar that fills a flat picture: it must stay flat.
  std::vector<uint8_t> grey(20 * 60, 0);
  for (size_t y = 5; y < 15; ++y) std::fill_n(grey.begin() + static_cast<ptrdiff_t>(y * 60 + 5), 50, uint8_t{200});
  const auto fitted = fit_image(rgb_of(grey, 20, 60), 1, 30, 30, {.trim = false}).to_vector<uint8_t>();
  EXPECT_EQ(fitted[15 * 30 + 15], 200);
  EXPECT_EQ(fitted[9 * 30 + 15], 0);
  EXPECT_EQ(fitted[20 * 30 + 15], 0);
}

TEST(FitImage, TrimmingLetsTheObjectFillTheFrame) {
  // A small bright box far from the middle, on ground that is not quite even.
  std::vector<uint8_t> grey(100 * 100);
  for (size_t i = 0; i < grey.size(); ++i) grey[i] = static_cast<uint8_t>(20 + i % 5);
  for (size_t y = 10; y < 30; ++y) std::fill_n(grey.begin() + static_cast<ptrdiff_t>(y * 100 + 60), 40, uint8_t{200});
  const auto fitted = fit_image(rgb_of(grey, 100, 100), 1, 20, 20).to_vector<int32_t>();
  for (size_t y = 0; y < 20; ++y)
    for (size_t x = 0; x < 20; ++x) EXPECT_NEAR(fitted[y * 20 + x], y >= 5 && y < 15 ? 200 : 22, 2) << y << " " << x;
}

TEST(FitImage, ResizingKeepsTheMeanAndFlatPicturesFlat) {
  for (int64_t size : {1, 5, 28, 100, 301}) {
    const auto flat =
        fit_image(rgb_of(std::vector<uint8_t>(static_cast<size_t>(size * size), 90), size, size), 1, 28, 28);
    for (uint8_t v : flat.to_vector<uint8_t>()) EXPECT_EQ(v, 90) << size;
  }
  // Stripes of one pixel become grey when they are made much smaller.
  std::vector<uint8_t> stripes(280 * 280);
  for (size_t i = 0; i < stripes.size(); ++i) stripes[i] = i % 2 ? 200 : 0;
  for (uint8_t v : fit_image(rgb_of(stripes, 280, 280), 1, 28, 28).to_vector<uint8_t>()) EXPECT_NEAR(v, 100, 11);
}

TEST(FitImage, ColourForModelsThatWantIt) {
  const Tensor rgb = from_values<uint8_t>({100, 50, 0}, {3, 1, 1}, {.dtype = DType::u8});
  EXPECT_EQ(fit_image(rgb, 3, 1, 1).to_vector<int32_t>(), (std::vector<int32_t>{100, 50, 0}));
  EXPECT_EQ(fit_image(rgb, 1, 1, 1).to_vector<int32_t>(), (std::vector<int32_t>{59}));
  EXPECT_THROW(fit_image(rgb, 2, 1, 1), ConfigError);
  EXPECT_THROW(fit_image(zeros({1, 4, 4}, {.dtype = DType::u8}), 1, 28, 28), ShapeError);
}

}  // namespace
}  // namespace gw
