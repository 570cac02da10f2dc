// The command line: groundwork summary | train | eval. Exit codes: 0 done, 1 failed, 2 bad usage, 130 ended by Ctrl-C.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "nn/models/resnet.h"
#include "tensor/error.h"
#include "train/commands.h"

namespace {

constexpr int kFailed = 1, kBadUsage = 2;

/// Accepts numbers above zero. (CLI11's own check speaks of the largest double when it refuses.)
CLI::Validator positive() {
  const auto check = [](const std::string& text) -> std::string {
    double value = 0;
    return CLI::detail::lexical_cast(text, value) && value > 0 && std::isfinite(value)
               ? ""
               : fmt::format("expected a number above 0, got {}", text);
  };
  return CLI::Validator(check, "POSITIVE");
}

/// Accepts whole numbers from zero up, as a seed is: a negative one would wrap around.
CLI::Validator whole_number() {
  const auto check = [](const std::string& text) -> std::string {
    const bool digits =
        !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits ? "" : fmt::format("expected a whole number of at least 0, got {}", text);
  };
  return CLI::Validator(check, "WHOLE");
}

void add_model(CLI::App* command, std::string& model) {
  command->add_option("--model", model, "Model")->check(CLI::IsMember(gw::model_names()));
}

void add_data_and_device(CLI::App* command, std::string& data, std::optional<int64_t>& limit, std::string& device,
                         std::string& dtype, int64_t& batch) {
  command->add_option("--batch", batch, "Images per batch")->check(positive())->capture_default_str();
  command->add_option("--device", device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_option("--dtype", dtype, "Type of the activations: f32, or bf16 for mixed precision")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  command->add_option("--limit", limit, "Use only so many training and validation images")->check(positive());
  command->add_option("--data", data,
                      "Folder with the data sets; default: $GROUNDWORK_DATA, /usr/share/datasets, ~/.cache/groundwork");
}

CLI::App* add_summary(CLI::App& app, gw::SummaryOptions& o) {
  CLI::App* command = app.add_subcommand("summary", "Print a model's layers, parameters and arithmetic");
  add_model(command, o.model);
  command->get_option("--model")->required();
  command->add_option("--batch", o.batch, "Batch size to show")->check(positive())->capture_default_str();
  return command;
}

CLI::App* add_train(CLI::App& app, gw::TrainOptions& o) {
  CLI::App* command = app.add_subcommand("train", "Train a model on Fashion-MNIST");
  add_model(command, o.model);
  command->get_option("--model")->required();
  command->add_option("--epochs", o.epochs, "Passes over the training data")->check(positive())->capture_default_str();
  command->add_option("--lr", o.lr, "Largest learning rate; default: the course's for the model")->check(positive());
  command->add_option("--opt", o.optimizer, "Optimizer")
      ->check(CLI::IsMember(gw::optimizer_names()))
      ->capture_default_str();
  command->add_option("--sched", o.schedule, "Schedule of the learning rate")
      ->check(CLI::IsMember(gw::schedule_names()))
      ->capture_default_str();
  command->add_flag("--tta", o.tta, "Afterwards, evaluate with test time augmentation (mirror images) too");
  command->add_option("--seed", o.seed, "Seed of weights, order and dropout")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--log", o.log, "Write a JSON line per epoch to this file");
  command->add_option("--save", o.save, "Write the weights to this safetensors file after every epoch");
  add_data_and_device(command, o.data, o.limit, o.device, o.dtype, o.batch);
  return command;
}

CLI::App* add_eval(CLI::App& app, gw::EvalOptions& o) {
  CLI::App* command = app.add_subcommand("eval", "Evaluate saved weights on the validation images");
  command->add_option("--load", o.load, "Safetensors file with the weights")->required();
  add_model(command, o.model);
  command->get_option("--model")->description("Model, for a file that does not name it");
  command->add_flag("--tta", o.tta, "Average over each image and its mirror image");
  add_data_and_device(command, o.data, o.limit, o.device, o.dtype, o.batch);
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Groundwork: deep learning from the foundations", "groundwork");
  gw::SummaryOptions summary;
  gw::TrainOptions train;
  gw::EvalOptions eval;
  const CLI::App* summary_command = add_summary(app, summary);
  const CLI::App* train_command = add_train(app, train);
  const CLI::App* eval_command = add_eval(app, eval);

  try {
    app.parse(argc, argv);
    if (app.get_subcommands().size() != 1)
      throw CLI::RequiredError("exactly one of the commands summary, train and eval");
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    fmt::print(stderr, "groundwork: {}\n", e.what());
    return kBadUsage;
  }
  try {
    if (*summary_command) return gw::run_summary(summary);
    if (*train_command) return gw::run_train(train);
    if (*eval_command) return gw::run_eval(eval);
  } catch (const std::exception& e) {
    fmt::print(stderr, "groundwork: {}\n", e.what());
  }
  return kFailed;
}
