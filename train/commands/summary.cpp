// groundwork summary: the table of a model's layers.
#include <fmt/format.h>

#include <memory>

#include "nn/models/models.h"
#include "nn/summary.h"
#include "train/commands/command.h"
#include "train/commands/options.h"

namespace gw::commands {
namespace {

struct Options {
  std::string model;
  int64_t batch = 1024;
};

int run(const Options& o) {
  const auto model = make_model(o.model);
  fmt::print("{}", summary(*model, {o.batch, 1, 28, 28}));
  return 0;
}

}  // namespace

Command add_summary(CLI::App& program) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("summary", "Print a model's layers, parameters and arithmetic");
  add_model(command, o->model)->required();
  command->add_option("--batch", o->batch, "Batch size to show")->check(positive())->capture_default_str();
  return {command, [o] { return run(*o); }};
}

}  // namespace gw::commands
