// Groundwork's side of compare_pytorch.py: trains a model on given weights and batches, a step at a time, when told to.
//
//   train_step --model resnet-wide --weights W.safetensors --batches B.safetensors [--dtype f32|bf16] [--lr 1e-3]
//
// The batch file holds inputs [K, N, 1, 28, 28] in f32 and labels [K, N] in i64; they are used in turn. When all is
// loaded, a line of JSON on standard output says what was built with what. From then on every line "step" on standard
// input takes a training step and is answered by {"loss": .., "seconds": ..}.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <string>

#include "autograd/losses.h"
#include "nn/models/models.h"
#include "optim/optimizers.h"
#include "tensor/safetensors.h"

namespace {

using namespace gw;

struct Options {
  std::string model, weights, batches, dtype = "f32";
  double lr = 1e-3;
};

class Training {
 public:
  explicit Training(const Options& o)
      : model_(make_model(o.model)), optimizer_(adamw(model_->parameters(), {.lr = o.lr})) {
    model_->load_state_dict(load_safetensors(o.weights).tensors);
    const SafetensorsFile file = load_safetensors(o.batches);
    const DType dtype = o.dtype == "bf16" ? DType::bf16 : DType::f32;
    inputs_ = file.at("inputs").to(dtype);
    labels_ = file.at("labels");
  }

  double step() {
    const int64_t batch = next_++ % inputs_.size(0);
    const Tensor loss = cross_entropy((*model_)(inputs_.select(0, batch)), labels_.select(0, batch));
    loss.backward();
    optimizer_.step();
    optimizer_.zero_grad();
    return loss.item();
  }

 private:
  ModulePtr model_;
  Optimizer optimizer_;
  Tensor inputs_, labels_;
  int64_t next_ = 0;
};

void serve(Training& training) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line != "step") throw ConfigError(fmt::format("train_step: expected \"step\", got \"{}\"", line));
    const auto start = std::chrono::steady_clock::now();
    const double loss = training.step();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format("{{\"loss\": {:.9g}, \"seconds\": {:.6f}}}", loss, seconds.count()) << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Takes training steps, one for each line \"step\" on standard input");
  app.add_option("--model", o.model)->required();
  app.add_option("--weights", o.weights)->required();
  app.add_option("--batches", o.batches)->required();
  app.add_option("--dtype", o.dtype)->check(CLI::IsMember({"f32", "bf16"}));
  app.add_option("--lr", o.lr);
  CLI11_PARSE(app, argc, argv);
  try {
    Training training(o);
    std::cout << fmt::format(R"({{"groundwork": "{}", "onednn": "{}", "compiler": "{}"}})", GROUNDWORK_VERSION,
                             ONEDNN_VERSION, COMPILER)
              << std::endl;
    serve(training);
  } catch (const std::exception& error) {
    std::cerr << "train_step: " << error.what() << '\n';
    return 1;
  }
}
