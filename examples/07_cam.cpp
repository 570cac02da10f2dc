// Class activation maps, from the course's lesson 7, as a program: a residual net that ends in a global average pool
// learns Fashion-MNIST, and for a few test images the map of what it takes them for is drawn over them.
//
//     07_cam [EPOCHS [IMAGES [FOLDER]]]      default: 3 epochs on all images; the pictures go to the folder cam
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <filesystem>

#include "groundwork.h"

using namespace gw;

namespace {

Learner train(const ModulePtr& model, const DatasetPair& data, int64_t epochs) {
  const int64_t batch = std::min<int64_t>(512, data.train.size());
  const Loader train_loader(data.train, {.batch_size = batch, .shuffle = true});
  const Loader valid_loader(data.valid, {.batch_size = batch});
  const OneCycle schedule{.max_lr = 1e-2, .total_steps = epochs * train_loader.size()};
  Learner learner(
      model, train_loader, valid_loader, [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double rate) { return adamw(std::move(params), {.lr = rate}); }, 1e-2,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<BatchScheduler>(schedule), std::make_shared<ProgressCallback>()});
  learner.fit(epochs);
  return learner;
}

/// An image of bytes beside the map over it, both magnified.
Canvas side_by_side(const Tensor& image, const Tensor& map) {
  constexpr int kScale = 8;
  const int height = static_cast<int>(image.size(1)), width = static_cast<int>(image.size(2));
  Canvas canvas(2 * width * kScale, height * kScale);
  canvas.draw_image(0, 0, image, kScale);
  canvas.draw_image(width * kScale, 0, draw_heat_map(image, map), kScale);
  return canvas;
}

void run(const DatasetPair& data, int64_t epochs, const std::string& folder) {
  manual_seed(42);
  // Without the classifier's norm the logits are the weighted sums of the maps, and nothing else.
  const ModulePtr model = make_model("resnet-gap", {.width = 0.5, .classifier_norm = nullptr});
  Learner learner = train(model, data, epochs);

  Loader loader(data.valid, {.batch_size = std::min<int64_t>(8, data.valid.size())});
  Batch batch;
  loader.start();
  loader.next(batch);
  const ActivationMap cam = class_activation_map(*model, find_cam_end(*model), batch.x);
  const ActivationMap grad = grad_cam(*model, "4", batch.x);
  const std::vector<int64_t> guesses = cam.logits.argmax(1).to_vector<int64_t>();
  std::filesystem::create_directories(folder);
  for (size_t i = 0; i < guesses.size(); ++i) {
    const auto n = static_cast<int64_t>(i);
    const Tensor image = data.valid.images.select(0, n);
    const std::string path = fmt::format("{}/{}", folder, i);
    write_file_atomically(path + "-cam.png", side_by_side(image, cam.map.select(0, n)).png());
    write_file_atomically(path + "-grad-cam.png", side_by_side(image, grad.map.select(0, n)).png());
    fmt::print("{}-cam.png: {}\n", path, data.valid.classes[static_cast<size_t>(guesses[i])]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    DatasetPair data = load_fashion_mnist();
    if (argc > 2) data = {data.train.first(std::atoll(argv[2])), data.valid.first(std::atoll(argv[2]))};
    run(data, argc > 1 ? std::atoll(argv[1]) : 3, argc > 3 ? argv[3] : "cam");
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "07_cam: {}\n", e.what());
    return 1;
  }
}
