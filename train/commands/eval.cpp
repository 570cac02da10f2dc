// groundwork eval: how good saved weights are on the validation images, alone and averaged.
#include <fmt/format.h>

#include <memory>

#include "nn/losses.h"
#include "train/commands/command.h"
#include "train/commands/ensemble.h"
#include "train/plots/plots_callback.h"
#include "train/predictions.h"

namespace gw::commands {
namespace {

struct Options {
  EnsembleOptions ensemble;
  DataOptions data;
  std::string plots;
  uint64_t seed = 42;
};

void print_result(const std::string& name, const Tensor& logits, const Tensor& targets,
                  const std::string& description) {
  fmt::print("{}{}  loss {:.4f}  accuracy {:.4f}\n", name, description, cross_entropy(logits, targets).item(),
             accuracy_of(logits, targets));
}

void check_classes(const NamedModel& model, const ImageDataset& data) {
  if (model.kind.classes != data.classes)
    throw ConfigError(fmt::format("eval: {} tells {} classes apart that are not the {} of the data", model.path,
                                  model.kind.classes.size(), data.classes.size()));
}

int run(const Options& o) {
  manual_seed(o.seed);
  const std::vector<NamedModel> models = load_models(o.ensemble, o.data.device());
  std::optional<PlotFolder> plots;
  if (!o.plots.empty()) plots.emplace(o.plots);
  ImageDataset data = o.data.load().valid;
  check_classes(models.front(), data);
  data.mean = models.front().kind.mean;  // as in training, which may have had other pictures
  data.std = models.front().kind.std;
  const std::string description = (o.data.holdout ? "  held-out training images" : "") + o.ensemble.description();
  std::vector<Prediction> predictions;
  for (const NamedModel& model : models) {
    const Prediction& p = predictions.emplace_back(predict(model, data, o.ensemble, o.data));
    print_result(model.name, p.logits, p.targets, description);
    if (p.spread.defined()) fmt::print("  standard deviation of the probabilities: {:.4f}\n", p.spread.mean().item());
  }
  const Tensor logits = mean_logits(predictions), targets = predictions.front().targets;
  if (models.size() > 1) print_result(fmt::format("ensemble of {}", models.size()), logits, targets, description);
  if (plots) plot_mistakes(*plots, logits, targets, data);
  return 0;
}

}  // namespace

Command add_eval(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("eval", "Evaluate saved weights on the validation images");
  o->ensemble.add_to(command);
  add_plots(command, o->plots);
  add_seed(command, o->seed)->description("Seed of --dropout-samples");
  o->data.add_to(command);
  o->data.add_holdout(command);
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
