// The course's notebook 08_data_block as a program: from a folder of pictures to a trained model, step by step. The
// folder is made here, of Fashion-MNIST's images as PNG files; any other with train/CLASS/ and valid/CLASS/ will do.
//
//     11_datablock [EPOCHS [IMAGES [FOLDER]]]      default: 3 epochs on 2000 images
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>

#include "groundwork.h"

using namespace gw;

namespace fs = std::filesystem;

namespace {

constexpr int64_t kSize = 32;

/// Writes images as FOLDER/CLASS/NUMBER.png.
void write_pictures(const ImageDataset& data, const fs::path& folder) {
  const std::vector<int64_t> labels = data.labels.to_vector<int64_t>();
  for (int64_t i = 0; i < data.size(); ++i) {
    std::string name = data.classes.at(static_cast<size_t>(labels[static_cast<size_t>(i)]));
    for (char& c : name)
      if (c == '/' || c == ' ') c = '-';
    fs::create_directories(folder / name);
    Canvas canvas(28, 28);
    canvas.draw_image(0, 0, data.images.select(0, i), 1);
    write_file_atomically((folder / name / fmt::format("{:05}.png", i)).string(), canvas.png());
  }
}

/// Each step with what it makes.
void step_by_step(const std::string& folder) {
  const std::vector<std::string> paths = find_files(folder);
  fmt::print("1. {} files; the first: {}\n", paths.size(), paths.front());

  const Split split = split_by_grandparent(paths);
  fmt::print("2. {} for training, {} for validation\n", split.train.size(), split.valid.size());

  std::vector<std::string> labels;
  for (int64_t i : split.train) labels.push_back(parent_label(paths[static_cast<size_t>(i)]));
  const Categories categories(labels);
  fmt::print("3. {} classes, the vocabulary of the training items: {} is number {}\n", categories.size(),
             labels.front(), categories.index_of(labels.front()));

  const Tensor image = read_image(paths.front());
  fmt::print("4. a picture is {} bytes; resized: {}\n", image.shape().to_string(),
             resize(image, kSize, kSize).shape().to_string());
}

/// What is done to each picture of training while it is loaded, in the order of the numbers.
ImageStreamOptions training_options() {
  ImageStreamOptions o;
  o.height = o.width = kSize;
  o.transform = compose({
      {"flip", 20, [](const Tensor& x, Generator& g) { return g.uniform() < 0.5 ? flip_horizontally(x) : x; }},
      {"crop", 10, [](const Tensor& x, Generator& g) { return random_resized_crop(x, kSize, g, {.least_area = 0.5}); }},
  });
  return o;
}

ImageStreamOptions validation_options() {
  ImageStreamOptions o;
  o.height = o.width = kSize;
  o.transform = [](const Tensor& x, Generator&) { return resize(x, kSize, kSize); };
  return o;
}

void train(const std::string& folder, int64_t epochs) {
  // The same steps as one value, any of which can be replaced: .split = ..., .label = regex_label("...").
  const ImageItemsPair items = DataBlock{}.items(folder);
  ImageDataset valid = load_images(items.valid, validation_options());
  const ChannelStatistics statistics = channel_statistics(load_images(items.train, validation_options()).images);
  valid.mean = statistics.mean;
  valid.std = statistics.std;

  const int64_t batch = std::min<int64_t>(64, items.train.size());
  // Pictures of training are read and changed anew in each epoch, by several threads, while the model computes.
  Loader train_loader(std::make_shared<ImageStream>(items.train, training_options()), statistics, kCpu,
                      {.batch_size = batch, .shuffle = true});
  Loader valid_loader(valid, {.batch_size = batch});
  const auto classes = static_cast<int64_t>(valid.classes.size());
  Learner learner(
      make_model("imagenette-cnn", {.in_channels = 3, .classes = classes}), train_loader, valid_loader,
      [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double lr) { return adamw(std::move(params), {.lr = lr}); }, 5e-3,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<ParamScheduler>("lr",
                                        combine_scheds({0.3, 0.7}, {sched_cos(1e-3, 5e-3), sched_cos(5e-3, 1e-4)})),
       std::make_shared<ProgressCallback>()});
  fmt::print("\n{}\n", learner.summary());
  learner.fit(epochs);
}

/// A folder that is gone when this is.
struct TemporaryPictures {
  fs::path path = fs::temp_directory_path() / fmt::format("11_datablock_{}", getpid());
  ~TemporaryPictures() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

int main(int argc, char** argv) {
  try {
    manual_seed(42);
    const int64_t epochs = argc > 1 ? std::atoll(argv[1]) : 3, images = argc > 2 ? std::atoll(argv[2]) : 2000;
    const TemporaryPictures made;
    if (argc <= 3) {
      const DatasetPair data = load_fashion_mnist();
      write_pictures(data.train.first(images), made.path / "train");
      write_pictures(data.valid.first(images / 4), made.path / "valid");
    }
    const std::string folder = argc > 3 ? argv[3] : made.path.string();
    step_by_step(folder);
    train(folder, epochs);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "11_datablock: {}\n", e.what());
    return 1;
  }
}
