#include "data/cifar10.h"

#include <gtest/gtest.h>

#include "tests/data/cifar10_files.h"
#include "tests/tensor_matchers.h"

namespace gw {
namespace {

TEST(Cifar10, ReadsLabelsAndPlanes) {
  const TemporaryFolder folder;
  folder.write("batch.bin", cifar10_record(3, 10, 20, 30) + cifar10_record(9, 1, 2, static_cast<char>(255)));
  const ImageDataset batch = read_cifar10_batch(folder.file("batch.bin"));
  EXPECT_EQ(batch.images.shape(), (Shape{2, 3, 32, 32}));
  EXPECT_EQ(batch.labels.to_vector<int64_t>(), (std::vector<int64_t>{3, 9}));
  EXPECT_EQ(batch.classes.size(), 10u);
  EXPECT_EQ(batch.classes[3], "cat");
  EXPECT_EQ(batch.mean.size(), 3u);
  const uint8_t* pixels = batch.images.data<uint8_t>();
  EXPECT_EQ(pixels[0], 10);
  EXPECT_EQ(pixels[32 * 32], 20);
  EXPECT_EQ(pixels[2 * 32 * 32 + 1023], 30);
  EXPECT_EQ(pixels[6 * 32 * 32 - 1], 255);
}

TEST(Cifar10, LoadsBothPartsFromEitherFolder) {
  const TemporaryFolder folder;
  write_cifar10(folder, "cifar-10-batches-bin", 4);
  for (const std::string& path : {folder.path(), folder.file("cifar-10-batches-bin")}) {
    const DatasetPair data = load_cifar10(path);
    EXPECT_EQ(data.train.images.shape(), (Shape{20, 3, 32, 32}));
    EXPECT_EQ(data.valid.size(), 4);
    EXPECT_EQ(data.train.labels.to_vector<int64_t>()[7], 3);
    EXPECT_EQ(data.train.images.data<uint8_t>()[7 * 3072], 75);
  }
}

TEST(Cifar10, RefusesWhatIsNotABatch) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& bytes) {
    folder.write("b.bin", bytes);
    return message_of<IoError>([&] { read_cifar10_batch(folder.file("b.bin")); });
  };
  EXPECT_NE(error("").find("b.bin: expected records of 3073 bytes, got 0 bytes"), std::string::npos);
  EXPECT_NE(error(cifar10_record(1, 0, 0, 0) + "xy").find("got 3075 bytes, 2 more than 1 records"), std::string::npos);
  EXPECT_NE(error(cifar10_record(1, 0, 0, 0).substr(1)).find("got 3072 bytes"), std::string::npos);
  EXPECT_NE(error(cifar10_record(1, 0, 0, 0) + cifar10_record(10, 0, 0, 0)).find("label 10 of item 1 is out of range"),
            std::string::npos);
  EXPECT_NE(error(cifar10_record(-1, 0, 0, 0)).find("label 255 of item 0"), std::string::npos);
  write_cifar10(folder, "whole", 2);
  std::filesystem::remove(folder.file("whole/data_batch_4.bin"));
  EXPECT_NE(message_of<IoError>([&] { load_cifar10(folder.file("whole")); }).find("data_batch_4.bin"),
            std::string::npos);
  EXPECT_THROW(load_cifar10(folder.file("nowhere")), IoError);
}

}  // namespace
}  // namespace gw
