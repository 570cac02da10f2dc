// The course's notebook 11, "Layer-sequential unit-variance", as a program: what comes out of each layer of a plain
// deep net before and after LSUV, and how well it then trains, on Fashion-MNIST.
//
//     11_lsuv [EPOCHS [IMAGES]]      default: 1 epoch on all images
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "groundwork.h"

using namespace gw;

namespace {

/// Convolutions and activations without any norm, weights as PyTorch draws them.
ModulePtr plain_net() {
  Sequential model(conv(1, 8, {.ks = 5, .stride = 2, .norm = nullptr}));
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>{8, 16}, {16, 32}, {32, 32}})
    model.push_back(conv(from, to, {.stride = 2, .norm = nullptr}));
  model.push_back(GlobalAvgPool());
  model.push_back(Linear(32, 10));
  return std::make_shared<Sequential>(std::move(model));
}

/// A line for each layer: what it makes of the batch.
void print_outputs(Module& model, const Tensor& x) {
  std::vector<HookHandle> hooks;
  for (const auto& [name, child] : model.named_children())
    hooks.push_back(child->register_forward_hook([name](Module& module, const Tensor&, Tensor& y) {
      fmt::print("  {} {:<14} mean {:8.4f}  deviation {:.4f}\n", name, module.type_name(), y.mean().item(),
                 y.std().item());
    }));
  const NoGrad no_grad;
  model(x);
}

void train(const ModulePtr& model, const DatasetPair& data, int64_t epochs) {
  const int64_t batch = std::min<int64_t>(512, data.train.size());
  Learner learner(
      model, Loader(data.train, {.batch_size = batch, .shuffle = true}), Loader(data.valid, {.batch_size = batch}),
      [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double lr) { return sgd(std::move(params), {.lr = lr}); }, 0.3,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<ProgressCallback>()});
  learner.fit(epochs);
}

void run(const DatasetPair& data, int64_t epochs) {
  Loader loader(data.train, {.batch_size = std::min<int64_t>(512, data.train.size())});
  Batch batch;
  loader.start();
  loader.next(batch);

  manual_seed(42);
  const ModulePtr plain = plain_net();
  fmt::print("As PyTorch draws the weights\n");
  print_outputs(*plain, batch.x);
  train(plain, data, epochs);

  manual_seed(42);
  const ModulePtr scaled = plain_net();
  fmt::print("\nLSUV\n");
  for (const LsuvLayer& layer : lsuv(*scaled, batch.x))
    fmt::print("  {:<4} mean {:8.5f}  deviation {:.5f}  in {} steps\n", layer.name, layer.mean, layer.std, layer.steps);
  print_outputs(*scaled, batch.x);
  train(scaled, data, epochs);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    DatasetPair data = load_fashion_mnist();
    if (argc > 2) data = {data.train.first(std::atoll(argv[2])), data.valid.first(std::atoll(argv[2]))};
    run(data, argc > 1 ? std::atoll(argv[1]) : 1);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "11_lsuv: {}\n", e.what());
    return 1;
  }
}
