// The course's notebook 14_augment as a program: wider nets, cheaper ends, augmentation, test time augmentation, and
// ensembles, on Fashion-MNIST.
//
//     14_augment [EPOCHS [IMAGES]]      default: 20 epochs on all images (the course goes up to 50)
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "groundwork.h"

using namespace gw;

namespace {

struct Settings {
  DatasetPair data;
  int64_t epochs;
};

Learner make_learner(const ModulePtr& model, double lr, const Settings& s) {
  const int64_t batch = std::min<int64_t>(1024, s.data.train.size());
  Loader train_loader(s.data.train, {.batch_size = batch, .shuffle = true});
  Loader valid_loader(s.data.valid, {.batch_size = batch});
  const OneCycle schedule{.max_lr = lr, .total_steps = s.epochs * train_loader.size()};
  return Learner(
      model, train_loader, valid_loader, [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double rate) { return adamw(std::move(params), {.lr = rate}); }, lr,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<BatchScheduler>(schedule), std::make_shared<ProgressCallback>()});
}

/// Trains a model of that name on augmented images.
Learner train(const std::string& model, const Augmentation& augmentation, double lr, const Settings& s) {
  Learner learner = make_learner(make_model(model), lr, s);
  learner.callbacks.push_back(std::make_shared<Augment>(augmentation));
  learner.fit(s.epochs);
  return learner;
}

/// Wider, then with fewer parameters and less arithmetic: the table tells where both are.
void compare_sizes() {
  fmt::print("Parameters and millions of multiplications\n");
  for (const char* name : {"resnet", "resnet-wide", "resnet-gap", "resnet-slim", "resnet-fast"}) {
    const std::string table = summary(*make_model(name), {1024, 1, 28, 28});
    fmt::print("{:12} {}", name, table.substr(table.rfind("Tot params")));
  }
}

/// Accuracy of the mean of several models' predictions. Each has its own errors, and they partly cancel.
double ensemble_accuracy(const std::vector<Learner*>& learners) {
  Tensor sum, targets;
  for (Learner* learner : learners) {
    const auto [logits, y] = predict_with_flips(*learner);
    sum = sum.defined() ? sum + logits : logits;
    targets = y;
  }
  return accuracy_of(sum, targets);
}

void run(const Settings& s) {
  manual_seed(42);
  compare_sizes();

  fmt::print("\nRandom crop and horizontal flip\n");
  Learner flipped = train("resnet-wide", parse_augmentation("crop,flip"), 1e-2, s);
  const auto [logits, targets] = predict_with_flips(flipped);
  fmt::print("test time augmentation  accuracy {:.4f}\n", accuracy_of(logits, targets));

  fmt::print("\nRandom erase too\n");
  train("resnet-wide", parse_augmentation("crop,flip,erase"), 2e-2, s);

  fmt::print("\nRandom copy: the patches hold pixels of the image instead of noise\n");
  Learner first = train("resnet-wide", parse_augmentation("crop,flip,copy"), 1e-2, s);
  Learner second = train("resnet-wide", parse_augmentation("crop,flip,copy"), 1e-2, s);
  fmt::print("both together  accuracy {:.4f}\n", ensemble_accuracy({&first, &second}));

  fmt::print("\nEvery image draws its own crop, flip and patches\n");
  train("resnet-wide", parse_augmentation("crop,flip,erase", /*per_image=*/true), 1e-2, s);

  fmt::print("\nDropout\n");
  train("resnet-drop", {}, 1e-2, s);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Settings s{load_fashion_mnist(), argc > 1 ? std::atoll(argv[1]) : 20};
    if (argc > 2) s.data = {s.data.train.first(std::atoll(argv[2])), s.data.valid.first(std::atoll(argv[2]))};
    run(s);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "14_augment: {}\n", e.what());
    return 1;
  }
}
