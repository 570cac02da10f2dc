// groundwork show-batch: training images as the model would see them.
#include <fmt/format.h>

#include <memory>

#include "nn/models/models.h"
#include "train/commands/augment_options.h"
#include "train/commands/choices.h"
#include "train/commands/command.h"
#include "train/commands/options.h"
#include "train/plots/charts.h"
#include "train/plots/plot_folder.h"

namespace gw::commands {
namespace {

struct Options {
  std::string plots = "plots";
  uint64_t seed = 42;
  AugmentOptions augment;
  DataOptions data;
};

/// Keeps the first batch and ends the fit before the model has seen it.
class TakeBatch : public Callback {
 public:
  int order() const override { return 50; }  // after the augmentation
  void before_batch(Learner& learner) override {
    batch = learner.batch;
    throw CancelFit{};
  }
  Batch batch;
};

int run(const Options& o) {
  PlotFolder folder(o.plots);
  manual_seed(o.seed);
  const Loader loader = o.data.loaders().train;
  const auto taken = std::make_shared<TakeBatch>();
  Learner learner(make_model("convnet"), loader, loader, classification_loss(), optimizers().at("sgd"), 0, {taken});
  o.augment.add_callbacks(learner);
  learner.fit(1);
  const std::string how = o.augment.description(),
                    title = how.empty() ? "Training images" : "Training images, with " + how;
  folder.add("batch", title, batch_grid(taken->batch.x, taken->batch.y, loader.dataset(), title));
  fmt::print("{}/batch.png\n", folder.path());
  return 0;
}

}  // namespace

Command add_show_batch(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("show-batch", "Draw training images as a model would see them");
  add_plots(command, o->plots)->capture_default_str();
  add_seed(command, o->seed);
  o->augment.add_to(command);
  o->data.add_to(command);
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
