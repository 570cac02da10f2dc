// The course's notebooks 06_cuda_cnn_hooks_init and 07_batchnorm as a program: what the activations of a small
// convolutional net are like under different initialisations, and what norms do when batches have two images, on
// Fashion-MNIST.
//
//     10_telemetry [EPOCHS [IMAGES [FOLDER]]]      default: 1 epoch on all images; charts go to FOLDER, if given
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "groundwork.h"

using namespace gw;

namespace {

struct Settings {
  DatasetPair data;
  int64_t epochs;
  std::string charts;
};

Learner make_learner(const ModulePtr& model, double lr, int64_t batch, const Settings& s) {
  batch = std::min(batch, s.data.train.size());
  return Learner(
      model, Loader(s.data.train, {.batch_size = batch, .shuffle = true}), Loader(s.data.valid, {.batch_size = 512}),
      [](const Tensor& x, const Tensor& y) { return cross_entropy(x, y); },
      [](std::vector<Tensor> params, double rate) { return sgd(std::move(params), {.lr = rate}); }, lr,
      {std::make_shared<MetricsCallback>(std::vector<std::shared_ptr<Metric>>{std::make_shared<Accuracy>()}),
       std::make_shared<ProgressCallback>()});
}

/// The lesson's net, without norms so that the initialisation shows.
ModulePtr bare_net(const ActivationFactory& act) { return make_model("small-cnn", {.act = act, .norm = nullptr}); }

/// Convolutions as PyTorch draws them.
void draw_by_default(Module& model) {
  model.apply([](Module& module) {
    if (const auto* conv = dynamic_cast<Conv2d*>(&module)) init::default_(conv->weight, conv->bias);
  });
}

void scale_by_lsuv(Module& model, const Settings& s) {
  Loader loader(s.data.train, {.batch_size = std::min<int64_t>(512, s.data.train.size())});
  Batch batch;
  loader.start();
  loader.next(batch);
  lsuv(model, batch.x);
}

/// Trains, and tells of the outputs of each activation layer: mean and deviation in the first step, and the share close
/// to zero in the first and the last.
void watch(const std::string& title, const ModulePtr& model, const Settings& s) {
  fmt::print("\n{}\n", title);
  Learner learner = make_learner(model, 0.1, 512, s);
  const auto stats = std::make_shared<ActivationStats>(of_type({"GeneralRelu", "ReLU"}));
  learner.callbacks.push_back(stats);
  learner.fit(s.epochs);
  const std::vector<ActivationStats::Layer> layers = stats->layers();
  for (const auto& layer : layers)
    fmt::print("  {:<18} mean {:7.4f}  deviation {:.4f}  close to zero {:.2f}, at last {:.2f}\n", layer.name,
               layer.means.front(), layer.stds.front(), layer.dead.front(), layer.dead.back());
  if (s.charts.empty()) return;
  PlotFolder folder(s.charts + "/" + title);
  folder.add("activation_stats", "Means and deviations", stats_chart(layers));
  folder.add("color_dim", "Histograms, step by step", color_dim_chart(layers));
  folder.add("dead", "Share close to zero", dead_chart(layers));
}

/// Two images a batch, at a large rate: statistics of a batch say little, running ones much.
void compare_norms(const Settings& s) {
  for (const char* norm : {"batch", "running", "group"}) {
    fmt::print("\nBatches of two, {} norm\n", norm);
    manual_seed(42);
    make_learner(make_model("small-cnn", {.norm = norm_named(norm)}), 0.4, 2, s).fit(s.epochs);
  }
}

/// The lesson's challenge: batches of 32, and a rate that falls from 1 to 0.2.
void best_in_one_epoch(const Settings& s) {
  fmt::print("\nBest in one epoch\n");
  manual_seed(42);
  Learner learner = make_learner(make_model("small-cnn", {.norm = norm_named("running")}), 1, 32, s);
  learner.callbacks.push_back(std::make_shared<ParamScheduler>("lr", sched_lin(1, 0.2)));
  learner.fit(s.epochs);
}

void run(const Settings& s) {
  manual_seed(42);
  ModulePtr model = bare_net(make_relu());
  draw_by_default(*model);
  watch("ReLU, weights as PyTorch draws them", model, s);

  manual_seed(42);
  watch("GeneralRelu, Kaiming's weights", bare_net(make_general_relu()), s);

  manual_seed(42);
  model = bare_net(make_general_relu());
  scale_by_lsuv(*model, s);
  watch("GeneralRelu, LSUV", model, s);

  compare_norms(s);
  best_in_one_epoch(s);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Settings s{load_fashion_mnist(), argc > 1 ? std::atoll(argv[1]) : 1, argc > 3 ? argv[3] : ""};
    if (argc > 2) s.data = {s.data.train.first(std::atoll(argv[2])), s.data.valid.first(std::atoll(argv[2]))};
    run(s);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "10_telemetry: {}\n", e.what());
    return 1;
  }
}
