// groundwork summary: the table of a model's layers.
#include <fmt/format.h>

#include <memory>

#include "nn/models/models.h"
#include "nn/summary.h"
#include "train/commands/command.h"
#include "train/commands/layer_options.h"
#include "train/commands/options.h"

namespace gw::commands {
namespace {

struct Options {
  std::string model;
  LayerOptions layers;
  int64_t batch = 1024, channels = 1, size = 28, classes = 10;
};

int run(const Options& o) {
  ModelOptions options = o.layers.model_options();
  options.in_channels = o.channels;
  options.image_height = options.image_width = o.size;
  options.classes = o.classes;
  fmt::print("{}", summary(*make_model(o.model, options), {o.batch, o.channels, o.size, o.size}));
  return 0;
}

}  // namespace

Command add_summary(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("summary", "Print a model's layers, parameters and arithmetic");
  add_model(command, o->model)->required();
  command->add_option("--batch", o->batch, "Batch size to show")->check(positive())->capture_default_str();
  command->add_option("--channels", o->channels, "Channels of the images")->check(positive())->capture_default_str();
  command->add_option("--size", o->size, "Height and width of the images")->check(positive())->capture_default_str();
  command->add_option("--classes", o->classes, "Number of classes")->check(positive())->capture_default_str();
  o->layers.add_to(command);
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
