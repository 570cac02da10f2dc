// The course's notebook 10_augmentation as a program: pictures changed on the CPU one by one, whole batches changed in
// one pass where they lie, mixup and cutmix, and what it all does for a model, on Fashion-MNIST.
//
//     11_augmentation [EPOCHS [IMAGES [FOLDER]]]      default: 2 epochs on all images; pictures go to FOLDER, if given
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "groundwork.h"

using namespace gw;

namespace {

struct Settings {
  DatasetPair data;
  int64_t epochs;
  std::string pictures;
};

void save(const Settings& s, const std::string& name, const Canvas& canvas) {
  if (!s.pictures.empty()) PlotFolder(s.pictures + "/" + name).add(name, name, canvas);
}

/// Bytes [1, H, W] in, bytes out: what a loader's threads do to each item.
void change_items(const Settings& s) {
  const Tensor image = s.data.train.images.select(0, 0);
  Generator generator(1);
  std::vector<Tensor> changed;
  std::vector<ImageTitle> titles;
  const auto add = [&](const std::string& title, const Tensor& x) {
    changed.push_back(resize(x, 28, 28).unsqueeze(0));
    titles.push_back({title});
  };
  for (int symmetry = 0; symmetry < 8; ++symmetry) add(fmt::format("dihedral {}", symmetry), dihedral(image, symmetry));
  add("crop", crop(image, 4, 4, 20, 20));
  add("reflect", pad(image, {6, 6, 6, 6}, PadMode::reflect));
  for (int i = 0; i < 4; ++i) add("random crop", random_resized_crop(image, 28, generator));
  const Corners whole = {{{0, 0}, {28, 0}, {28, 28}, {0, 28}}}, seen = {{{4, 6}, {26, 0}, {28, 27}, {2, 23}}};
  add("perspective", perspective(image, perspective_coefficients(whole, seen)));
  add("darker", adjust_brightness(image, 0.6));
  fmt::print("{} pictures made of one\n", changed.size());
  save(s, "items", image_grid(cat(changed, 0), titles, {.title = "One picture"}));
}

/// Stops before the model sees the first batch, and shows it.
class ShowBatch : public Callback {
 public:
  ShowBatch(const Settings& settings, std::string title) : settings_(settings), title_(std::move(title)) {}
  int order() const override { return 50; }
  void before_batch(Learner& learner) override {
    const Batch& batch = learner.batch;
    const Tensor x = batch.x.to(DType::f32);
    fmt::print("{:<24} mean {:7.4f}  deviation {:.4f}\n", title_, x.mean().item(), x.std().item());
    save(settings_, title_, batch_grid(batch.x, batch.y, learner.train_loader.dataset(), title_));
    throw CancelFit{};
  }

 private:
  const Settings& settings_;
  std::string title_;
};

Learner make_learner(const std::vector<CallbackPtr>& callbacks, const Settings& s) {
  manual_seed(42);
  const int64_t batch = std::min<int64_t>(256, s.data.train.size());
  const Loader train_loader(s.data.train, {.batch_size = batch, .shuffle = true});
  Learner learner(
      make_model("small-cnn", {.width = 2}), train_loader, Loader(s.data.valid, {.batch_size = batch}),
      [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double lr) { return adamw(std::move(params), {.lr = lr}); }, 1e-2,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<BatchScheduler>(OneCycle{.max_lr = 1e-2, .total_steps = s.epochs * train_loader.size()}),
       std::make_shared<ProgressCallback>()});
  learner.callbacks.insert(learner.callbacks.end(), callbacks.begin(), callbacks.end());
  return learner;
}

/// What there is for whole batches, by title.
std::vector<std::pair<std::string, std::vector<CallbackPtr>>> batch_changes() {
  const auto changed = [](const std::string& list) -> std::vector<CallbackPtr> {
    return {std::make_shared<Augment>(parse_augmentation(list, /*per_image=*/true))};
  };
  const auto mixed = [](MixOptions o) -> std::vector<CallbackPtr> { return {std::make_shared<Mix>(o)}; };
  return {{"nothing", {}},
          {"crop and flip", changed("crop=2,flip")},
          // Composed into one map for each image, and read once.
          {"geometry and light", changed("flip,rotate=10,zoom=1.1,translate=0.1,warp=0.1,brightness,contrast")},
          {"mixup", mixed({.mixup = 0.4})},
          {"cutmix", mixed({.cutmix = 1.0})}};
}

void run(const Settings& s) {
  change_items(s);
  for (const auto& [title, callbacks] : batch_changes()) {
    Learner learner = make_learner(callbacks, s);
    learner.callbacks.push_back(std::make_shared<ShowBatch>(s, title));
    learner.fit(1);
  }
  for (const auto& [title, callbacks] : batch_changes()) {
    fmt::print("\nTrained with {}\n", title);
    make_learner(callbacks, s).fit(s.epochs);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Settings s{load_fashion_mnist(), argc > 1 ? std::atoll(argv[1]) : 2, argc > 3 ? argv[3] : ""};
    if (argc > 2) s.data = {s.data.train.first(std::atoll(argv[2])), s.data.valid.first(std::atoll(argv[2]))};
    run(s);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "11_augmentation: {}\n", e.what());
    return 1;
  }
}
