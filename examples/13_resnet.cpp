// The course's notebook 13_resnet as a program: from a plain convolutional net to a residual one, on Fashion-MNIST.
//
//     13_resnet [EPOCHS [IMAGES]]      default: 5 epochs on all images
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

/// Convolutions only, each of stride 2 but the first: 28x28 -> 1x1.
Sequential plain_net() {
  Sequential model(conv(1, 8, {.stride = 1}));
  for (int64_t width : {8, 16, 32, 64}) model.push_back(conv(width, 2 * width));
  model.push_back(conv(128, 10, {.stride = 2, .act = nullptr}));
  model.push_back(Flatten());
  return model;
}

/// The same depth in pairs of convolutions, with a path around each pair.
Sequential residual_net(const BlockOptions& o = {.stride = 2}) {
  BlockOptions first = o;
  first.stride = 1;
  Sequential model(ResBlock(1, 8, first));
  for (int64_t width : {8, 16, 32, 64, 128}) model.push_back(ResBlock(width, 2 * width, o));
  model.push_back(Flatten());
  model.push_back(Linear(256, 10, /*bias=*/false));
  model.push_back(BatchNorm1d(10));
  return model;
}

/// Trains with AdamW and one cycle of the learning rate.
void train(const char* title, const ModulePtr& model, double lr, const Settings& s) {
  fmt::print("\n{}\n", title);
  const int64_t batch = std::min<int64_t>(1024, s.data.train.size());
  Loader train_loader(s.data.train, {.batch_size = batch, .shuffle = true});
  Loader valid_loader(s.data.valid, {.batch_size = batch});
  const OneCycle schedule{.max_lr = lr, .total_steps = s.epochs * train_loader.size()};
  Learner learner(
      model, train_loader, valid_loader, [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double rate) { return adamw(std::move(params), {.lr = rate}); }, lr,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<BatchScheduler>(schedule), std::make_shared<ProgressCallback>()});
  learner.fit(s.epochs);
}

ModulePtr initialised(Sequential model) {
  model.apply(init_weights(/*leaky=*/0.1));
  return std::make_shared<Sequential>(std::move(model));
}

void run(const Settings& s) {
  manual_seed(42);
  train("A plain convolutional net", initialised(plain_net()), 6e-2, s);

  const ModulePtr resnet = initialised(residual_net());
  fmt::print("\nWhere a ResNet's parameters and multiplications are\n{}", summary(*resnet, {1024, 1, 28, 28}));
  train("The ResNet", resnet, 2e-2, s);

  // Its last norms start at zero, so that every block begins as the identity.
  train("The ResNet, zero-initialised", initialised(residual_net({.stride = 2, .zero_init = true})), 2e-2, s);

  train("timm's resnet18d", make_model("resnet18d"), 2e-2, s);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Settings s{load_fashion_mnist(), argc > 1 ? std::atoll(argv[1]) : 5};
    if (argc > 2) s.data = {s.data.train.first(std::atoll(argv[2])), s.data.valid.first(std::atoll(argv[2]))};
    run(s);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "13_resnet: {}\n", e.what());
    return 1;
  }
}
