// groundwork lr-find: which learning rate to train a model with.
#include <fmt/format.h>

#include <memory>

#include "nn/models/models.h"
#include "train/commands/choices.h"
#include "train/commands/command.h"
#include "train/commands/layer_options.h"
#include "train/commands/options.h"
#include "train/lr_finder.h"
#include "train/plots/charts.h"
#include "train/plots/plot_folder.h"

namespace gw::commands {
namespace {

struct Options {
  std::string model, optimizer = "adamw", plots;
  uint64_t seed = 42;
  LRFinderOptions finder;
  LayerOptions layers;
  DataOptions data;
};

int run(const Options& o) {
  const Device device = o.data.device();
  std::optional<PlotFolder> plots;
  if (!o.plots.empty()) plots.emplace(o.plots);
  manual_seed(o.seed);
  const LoaderPair loaders = o.data.loaders();
  const auto model = make_model(o.model, o.layers.model_options(loaders.valid.dataset()));
  model->to(device);
  Learner learner(model, loaders.train, loaders.valid, classification_loss(), optimizers().at(o.optimizer),
                  o.finder.start_lr);
  const LRFinderResult result = find_lr(learner, o.finder);
  for (size_t i = 0; i < result.lrs.size(); ++i)
    fmt::print("lr {:.2e}  loss {:.4f}\n", result.lrs[i], result.losses[i]);
  fmt::print("suggested learning rate: {:.2e}\n", result.suggested_lr);
  if (plots)
    plots->add("lr_finder", fmt::format("Learning rate finder: {}, {}", o.model, o.optimizer), lr_finder_chart(result));
  return 0;
}

}  // namespace

Command add_lr_find(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("lr-find", "Find a good learning rate by letting it grow");
  add_model(command, o->model)->required();
  command->add_option("--start-lr", o->finder.start_lr, "First learning rate")
      ->check(positive())
      ->capture_default_str();
  command->add_option("--gamma", o->finder.gamma, "The rate grows by this factor at every step")
      ->check(positive())
      ->capture_default_str();
  add_optimizer(command, o->optimizer);
  add_seed(command, o->seed);
  add_plots(command, o->plots);
  o->layers.add_to(command);
  o->data.add_to(command);
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
