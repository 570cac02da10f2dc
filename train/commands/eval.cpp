// groundwork eval: how good saved weights are on the validation images.
#include <fmt/format.h>

#include <memory>

#include "nn/losses.h"
#include "train/commands/choices.h"
#include "train/commands/command.h"
#include "train/commands/options.h"
#include "train/commands/weights.h"
#include "train/predictions.h"

namespace gw::commands {
namespace {

struct Options {
  std::string load;
  std::string model;  ///< only needed for a file that does not name its model
  bool tta = false;
  DataOptions data;
};

int run(const Options& o) {
  const Device device = o.data.device();
  const auto [name, model] = load_model(o.load, o.model);
  model->to(device);
  const Loader loader(o.data.load().valid, {.batch_size = o.data.batch, .dtype = o.data.dtype()});
  Learner learner(model, loader, loader, classification_loss(), optimizers().at("sgd"), 0);
  const auto [logits, targets] = o.tta ? predict_with_flips(learner) : predict_validation(learner);
  fmt::print("{}{}  loss {:.4f}  accuracy {:.4f}\n", name, o.tta ? "  test time augmentation" : "",
             cross_entropy(logits, targets).item(), accuracy_of(logits, targets));
  return 0;
}

}  // namespace

Command add_eval(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("eval", "Evaluate saved weights on the validation images");
  command->add_option("--load", o->load, "Safetensors file with the weights")->required();
  add_model(command, o->model)->description("Model, for a file that does not name it");
  command->add_flag("--tta", o->tta, "Average over each image and its mirror image");
  o->data.add_to(command);
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
