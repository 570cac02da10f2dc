#include "data/cifar10.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "autograd/index.h"
#include "tensor/creation.h"
#include "tensor/file.h"

namespace gw {
namespace {

const std::vector<std::string> kClasses = {"airplane", "automobile", "bird",  "cat",  "deer",
                                           "dog",      "frog",       "horse", "ship", "truck"};
/// The course's normalisation of this data set.
const std::vector<float> kMean = {0.4914f, 0.48216f, 0.44653f}, kStd = {0.24703f, 0.24349f, 0.26159f};

constexpr int64_t kChannels = 3, kSize = 32;
constexpr size_t kPixels = kChannels * kSize * kSize, kRecord = 1 + kPixels;

ImageDataset joined(const std::vector<ImageDataset>& parts) {
  std::vector<Tensor> images, labels;
  for (const ImageDataset& part : parts) {
    images.push_back(part.images);
    labels.push_back(part.labels);
  }
  ImageDataset all = parts.front();
  all.images = cat(images, 0);
  all.labels = cat(labels, 0);
  return all;
}

}  // namespace

ImageDataset read_cifar10_batch(const std::string& path) {
  const std::string bytes = read_file(path);
  if (bytes.empty() || bytes.size() % kRecord != 0)
    throw IoError(fmt::format("cifar10: {}: expected records of {} bytes, got {} bytes, {} more than {} records", path,
                              kRecord, bytes.size(), bytes.size() % kRecord, bytes.size() / kRecord));
  const size_t count = bytes.size() / kRecord;
  const Tensor images = empty({static_cast<int64_t>(count), kChannels, kSize, kSize}, {.dtype = DType::u8});
  const Tensor labels = empty({static_cast<int64_t>(count)}, {.dtype = DType::i64});
  for (size_t i = 0; i < count; ++i) {
    const char* const record = bytes.data() + i * kRecord;
    labels.data<int64_t>()[i] = static_cast<unsigned char>(record[0]);
    std::memcpy(images.data<uint8_t>() + i * kPixels, record + 1, kPixels);
  }
  ImageDataset batch{images, labels, kClasses, kMean, kStd, PictureFit::crop};
  check_dataset(batch, fmt::format("cifar10: {}", path));
  return batch;
}

DatasetPair load_cifar10(const std::string& folder) {
  const std::string inner = folder + "/cifar-10-batches-bin";
  const std::string& base = std::filesystem::is_directory(inner) ? inner : folder;
  std::vector<ImageDataset> train;
  for (int i = 1; i <= 5; ++i) train.push_back(read_cifar10_batch(fmt::format("{}/data_batch_{}.bin", base, i)));
  return {joined(train), read_cifar10_batch(base + "/test_batch.bin")};
}

}  // namespace gw
