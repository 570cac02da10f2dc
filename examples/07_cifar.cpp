// The networks of the course's lesson 7 on CIFAR-10, as a program: from one hidden layer to a residual net, each rung
// a few lines more than the one before; then cosine annealing with restarts, whose cycles end in members of an
// ensemble, and test time augmentation.
//
//     07_cifar [EPOCHS [IMAGES [FOLDER]]]      default: 5 epochs on all images of CIFAR-10's binary batches in FOLDER
//
// Without a folder it learns from stripes that it makes itself.
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "groundwork.h"

using namespace gw;

namespace {

constexpr int64_t kSize = 32, kClasses = 10;

/// Stripes of five directions, which a flip does not make one another, in two colours, shifted at random.
ImageDataset stripes(int64_t count) {
  const std::pair<int, int> directions[] = {{1, 0}, {0, 1}, {1, 1}, {1, 2}, {2, 1}};
  ImageDataset data{zeros({count, 3, kSize, kSize}, {.dtype = DType::u8}),
                    zeros({count}, {.dtype = DType::i64}),
                    {},
                    {0.25f, 0.25f, 0.25f},
                    {0.4f, 0.4f, 0.4f}};
  for (int64_t c = 0; c < kClasses; ++c) data.classes.push_back(fmt::format("stripes {}", c));
  const std::vector<float> shifts = rand({count}).to_vector<float>();
  for (int64_t n = 0; n < count; ++n) {
    const int64_t label = n % kClasses, colour = label / 5;
    const auto [right, down] = directions[label % 5];
    data.labels.data<int64_t>()[n] = label;
    uint8_t* const plane = data.images.data<uint8_t>() + (3 * n + 2 * colour) * kSize * kSize;
    for (int64_t y = 0; y < kSize; ++y)
      for (int64_t x = 0; x < kSize; ++x)
        plane[y * kSize + x] =
            (right * x + down * y + 64 + static_cast<int64_t>(8 * shifts[static_cast<size_t>(n)])) / 4 % 2 ? 220 : 20;
  }
  return data;
}

struct Settings {
  DatasetPair data;
  int64_t epochs;
};

Learner make_learner(const ModulePtr& model, double lr, const Schedule& schedule, const Settings& s) {
  const int64_t batch = std::min<int64_t>(256, s.data.train.size());
  return Learner(
      model, Loader(s.data.train, {.batch_size = batch, .shuffle = true}), Loader(s.data.valid, {.batch_size = batch}),
      [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double rate) { return adamw(std::move(params), {.lr = rate}); }, lr,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<BatchScheduler>(schedule), std::make_shared<ProgressCallback>(),
       // Flips, and crops of the picture with four pixels of zeros around it: each picture draws its own.
       std::make_shared<Augment>(parse_augmentation("crop=4,flip", /*per_image=*/true))});
}

int64_t steps_of(const Settings& s) {
  const int64_t batch = std::min<int64_t>(256, s.data.train.size());
  return (s.data.train.size() + batch - 1) / batch;
}

void climb(const char* title, const ModulePtr& model, double lr, const Settings& s) {
  fmt::print("\n{}: {} parameters\n", title, model->num_parameters());
  const OneCycle schedule{.max_lr = lr, .total_steps = s.epochs * steps_of(s)};
  make_learner(model, lr, schedule, s).fit(s.epochs);
}

/// Trains in cycles of one epoch, and lets the nets of their ends answer together (Huang et al., "Snapshot ensembles").
void snapshots(const ModelOptions& o, const Settings& s) {
  fmt::print("\nResnet2, dropout 0.2, restarts after every epoch\n");
  const ModulePtr model = make_model("cifar-resnet2", o);
  const CosineAnnealingWarmRestarts schedule{.base_lr = 1e-2, .t_0 = steps_of(s)};
  Learner learner = make_learner(model, 1e-2, schedule, s);
  Tensor sum, targets;
  for (int64_t cycle = 0; cycle < s.epochs; ++cycle) {
    learner.fit(1);
    const auto [logits, y] = predict_with_flips(learner);  // test time augmentation
    const Tensor probabilities = logits.softmax(1);
    sum = sum.defined() ? sum + probabilities : probabilities;
    targets = y;
    fmt::print("cycle {}, test time augmentation: {:.4f}; all cycles together: {:.4f}\n", cycle + 1,
               accuracy_of(logits, y), accuracy_of(sum, targets));
  }
}

void run(const Settings& s) {
  const ModelOptions o{.in_channels = 3, .image_height = kSize, .image_width = kSize, .drop = 0.2};
  climb("One hidden layer of 40",
        std::make_shared<Sequential>(Flatten(), Linear(3 * kSize * kSize, 40), ReLU(), Linear(40, kClasses)), 2e-3, s);
  climb("Convolutions of stride 2, the largest value of each channel, a linear layer",
        std::make_shared<Sequential>(
            Conv2d(3, 20, 3, {.stride = 2, .padding = 1}), ReLU(), Conv2d(20, 40, 3, {.stride = 2, .padding = 1}),
            ReLU(), Conv2d(40, 80, 3, {.stride = 2, .padding = 1}), ReLU(), GlobalMaxPool(), Linear(80, kClasses)),
        1e-2, s);
  climb("Batch norm by hand",
        std::make_shared<Sequential>(Conv2d(3, 10, 5, {.padding = 2}), BnLayer(10, 20), BnLayer(20, 40),
                                     BnLayer(40, 80), BnLayer(80, 160), GlobalMaxPool(), Linear(160, kClasses)),
        1e-2, s);
  climb("The engine's batch norm, fused with ReLU", make_model("cifar-bn", o), 1e-2, s);
  climb("Residual layers", make_model("cifar-resnet", o), 1e-2, s);
  snapshots(o, s);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    manual_seed(42);
    Settings s{argc > 3 ? load_cifar10(argv[3]) : DatasetPair{stripes(2000), stripes(500)},
               argc > 1 ? std::atoll(argv[1]) : 5};
    if (argc > 2) s.data = {s.data.train.first(std::atoll(argv[2])), s.data.valid.first(std::atoll(argv[2]))};
    run(s);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "07_cifar: {}\n", e.what());
    return 1;
  }
}
