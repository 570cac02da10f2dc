#include "data/fashion_mnist.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include "data/idx.h"
#include "tensor/creation.h"

namespace gw {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kClasses = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                           "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
/// The course's normalisation of this data set.
constexpr float kMean = 0.28f, kStd = 0.35f;

/// `folder/stem`, gzipped or plain.
std::string find_file(const std::string& folder, const std::string& stem) {
  for (const char* ending : {".gz", ""}) {
    const std::string path = fmt::format("{}/{}{}", folder, stem, ending);
    if (fs::exists(path)) return path;
  }
  throw IoError(fmt::format("fashion-mnist: {} holds neither {}.gz nor {}", folder, stem, stem));
}

ImageDataset load_part(const std::string& folder, const std::string& part) {
  const std::string image_file = find_file(folder, part + "-images-idx3-ubyte");
  const std::string label_file = find_file(folder, part + "-labels-idx1-ubyte");
  const Tensor images = read_idx(image_file), labels = read_idx(label_file);
  if (images.dim() != 3)
    throw IoError(fmt::format("fashion-mnist: {}: expected 3 dimensions, got {}", image_file, images.dim()));
  if (labels.dim() != 1)
    throw IoError(fmt::format("fashion-mnist: {}: expected 1 dimension, got {}", label_file, labels.dim()));
  ImageDataset dataset{images.unsqueeze(1), labels.to(DType::i64), kClasses, {kMean}, {kStd}};
  check_dataset(dataset, fmt::format("fashion-mnist: {}", label_file));
  return dataset;
}

}  // namespace

std::vector<std::string> data_folders(const std::string& dir) {
  if (!dir.empty()) return {dir};
  std::vector<std::string> folders;
  if (const char* set = std::getenv("GROUNDWORK_DATA"); set && *set) folders.emplace_back(set);
  folders.emplace_back("/usr/share/datasets");
  if (const char* home = std::getenv("HOME"); home && *home)
    folders.push_back(std::string(home) + "/.cache/groundwork");
  return folders;
}

ImageDataset empty_fashion_mnist() {
  return {empty({0, 1, 28, 28}, {.dtype = DType::u8}), empty({0}, {.dtype = DType::i64}), kClasses, {kMean}, {kStd}};
}

DatasetPair load_fashion_mnist(const std::string& dir) {
  const std::vector<std::string> folders = data_folders(dir);
  for (const std::string& base : folders) {
    const std::string folder = base + "/fashion-mnist";
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) continue;
    // Decompression is most of the work, and each part keeps one core busy.
    auto valid = std::async(std::launch::async, load_part, folder, "t10k");
    ImageDataset train = load_part(folder, "train");
    return {std::move(train), valid.get()};
  }
  throw IoError(
      fmt::format("fashion-mnist: no folder fashion-mnist in {}; on Debian install the package "
                  "dataset-fashion-mnist, or run scripts/get_data.sh fashion-mnist",
                  fmt::join(folders, ", ")));
}

}  // namespace gw
