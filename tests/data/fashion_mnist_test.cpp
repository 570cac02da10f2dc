#include "data/fashion_mnist.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/data/idx_files.h"
#include "tests/data/temporary_folder.h"

namespace gw {
namespace {

void write_part(const TemporaryFolder& folder, const std::string& part, const std::string& images,
                const std::string& labels) {
  folder.write("fashion-mnist/" + part + "-images-idx3-ubyte", images);
  folder.write("fashion-mnist/" + part + "-labels-idx1-ubyte.gz", gzipped(labels));
}

TEST(FashionMnist, LoadsBothParts) {
  const TemporaryFolder folder;
  write_part(folder, "train", idx_bytes({3, 2, 2}, "aaaabbbbcccc"), idx_bytes({3}, std::string{0, 9, 4}));
  write_part(folder, "t10k", idx_bytes({1, 2, 2}, "dddd"), idx_bytes({1}, std::string{1}));
  const DatasetPair data = load_fashion_mnist(folder.path());
  EXPECT_EQ(data.train.images.shape(), (Shape{3, 1, 2, 2}));
  EXPECT_EQ(data.train.labels.to_vector<int64_t>(), (std::vector<int64_t>{0, 9, 4}));
  EXPECT_EQ(data.valid.size(), 1);
  EXPECT_EQ(data.train.first(2).size(), 2);
  EXPECT_EQ(data.train.first(99).size(), 3);
  EXPECT_EQ(data.train.classes.size(), 10u);
}

TEST(FashionMnist, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  const auto error = [&] {
    try {
      load_fashion_mnist(folder.path());
    } catch (const IoError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(error().find("no folder fashion-mnist in " + folder.path()), std::string::npos);
  write_part(folder, "t10k", idx_bytes({1, 2, 2}, "dddd"), idx_bytes({1}, std::string{1}));
  EXPECT_NE(error().find("train-images-idx3-ubyte"), std::string::npos);
  write_part(folder, "train", idx_bytes({1, 2, 2}, "aaaa"), idx_bytes({1}, std::string{10}));
  EXPECT_NE(error().find("label 10 of item 0 is out of range, expected 0 to 9"), std::string::npos);
  write_part(folder, "train", idx_bytes({1, 2, 2}, "aaaa"), idx_bytes({2}, std::string{1, 2}));
  EXPECT_NE(error().find("1 images, but 2 labels"), std::string::npos);
  write_part(folder, "train", idx_bytes({4}, "aaaa"), idx_bytes({1}, std::string{1}));
  EXPECT_NE(error().find("expected 3 dimensions, got 1"), std::string::npos);
}

TEST(FashionMnist, RealData) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "the data set is not installed";
  const DatasetPair data = load_fashion_mnist("/usr/share/datasets");
  EXPECT_EQ(data.train.images.shape(), (Shape{60000, 1, 28, 28}));
  EXPECT_EQ(data.valid.images.shape(), (Shape{10000, 1, 28, 28}));
  std::vector<int> counts(10);
  for (int64_t label : data.train.labels.to_vector<int64_t>()) ++counts[static_cast<size_t>(label)];
  EXPECT_EQ(counts, std::vector<int>(10, 6000));
}

}  // namespace
}  // namespace gw
