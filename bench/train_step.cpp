// Groundwork's side of compare_pytorch.py and compare_pytorch_cuda.py: trains a model on given weights and batches,
// when told to.
//
//   train_step --model resnet-wide --weights W.safetensors --batches B.safetensors [--dtype f32|bf16] [--lr 1e-3]
//              [--device cpu|cuda] [--graph] [--tf32]
//
// The batch file holds inputs [K, N, 1, 28, 28] in f32 and labels [K, N] in i64; they are used in turn. When all is
// loaded, a line of JSON on standard output says what was built with what. From then on every line "step" on standard
// input takes a training step and is answered by {"loss": .., "seconds": ..}; "steps N" takes N of them, waits for the
// device once at the end, and is answered by the last loss, the mean of the seconds, and how many operations one step
// gives to the device (with --graph, else 0).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "autograd/autograd.h"
#include "autograd/losses.h"
#include "kernels/matmul.h"
#include "nn/models/models.h"
#include "optim/optimizers.h"
#include "tensor/creation.h"
#include "tensor/cuda_graph.h"
#include "tensor/safetensors.h"

namespace {

using namespace gw;

struct Options {
  std::string model, weights, batches, dtype = "f32", device = "cpu";
  double lr = 1e-3;
  bool graph = false;
};

class Training {
 public:
  explicit Training(const Options& o)
      : device_(device_from_name(o.device)),
        graph_(o.graph),
        model_(load_model(o)),
        optimizer_(adamw(model_->parameters(), {.lr = o.lr})) {
    const SafetensorsFile file = load_safetensors(o.batches);
    inputs_ = file.at("inputs").to(device_).to(o.dtype == "bf16" ? DType::bf16 : DType::f32);
    labels_ = file.at("labels").to(device_);
  }

  /// The loss, where it was computed.
  Tensor step() {
    const int64_t batch = next_++ % inputs_.size(0);
    const Tensor x = inputs_.select(0, batch), y = labels_.select(0, batch);
    constexpr int64_t kWarmUp = 3;
    return graph_ && next_ > kWarmUp ? replay(x, y) : eager(x, y);
  }

  int64_t operations() const { return captured_ ? captured_->nodes() : 0; }

 private:
  ModulePtr load_model(const Options& o) const {
    ModulePtr model = make_model(o.model);
    model->load_state_dict(load_safetensors(o.weights).tensors);
    model->to(device_);
    return model;
  }

  Tensor forward_and_backward(const Tensor& x, const Tensor& y) {
    const Tensor loss = cross_entropy((*model_)(x), y);
    loss.backward();
    return loss.detach();
  }

  Tensor eager(const Tensor& x, const Tensor& y) {
    const Tensor loss = forward_and_backward(x, y);
    optimizer_.step();
    optimizer_.zero_grad();
    return loss;
  }

  Tensor replay(const Tensor& x, const Tensor& y) {
    if (!captured_) {
      x_ = empty_like(x);
      y_ = empty_like(y);
      captured_ = std::make_unique<cuda::Graph>(device_);
      captured_->capture([&] {
        loss_ = forward_and_backward(x_, y_);
        optimizer_.launch_step();
      });
      optimizer_.zero_grad();
    }
    x_.copy_(x);
    y_.copy_(y);
    optimizer_.begin_step();
    captured_->replay();
    return loss_;
  }

  Device device_;
  bool graph_;
  ModulePtr model_;
  Optimizer optimizer_;
  Tensor inputs_, labels_;
  int64_t next_ = 0;
  std::unique_ptr<cuda::Graph> captured_;
  Tensor x_, y_, loss_;  // of the captured step
};

/// The number of steps that a line of the input asks for.
int64_t steps_of(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  int64_t count = 0;
  words >> word;
  if (word == "step") return 1;
  if (word == "steps" && words >> count && count > 0) return count;
  throw ConfigError(fmt::format("train_step: expected \"step\" or \"steps N\", got \"{}\"", line));
}

void serve(Training& training) {
  for (std::string line; std::getline(std::cin, line);) {
    const int64_t count = steps_of(line);
    const auto start = std::chrono::steady_clock::now();
    Tensor loss;
    for (int64_t i = 0; i < count; ++i) loss = training.step();
    const double value = loss.item();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format("{{\"loss\": {:.9g}, \"seconds\": {:.9f}, \"operations\": {}}}", value,
                             seconds.count() / static_cast<double>(count), training.operations())
              << std::endl;
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
  app.add_option("--device", o.device);
  app.add_flag("--graph", o.graph);
  app.add_flag_function("--tf32", [](int64_t) { set_allow_tf32(true); });
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
