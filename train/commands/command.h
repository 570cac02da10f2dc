// The commands of the command line: a file each, with its options and what it does.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace gw::commands {

/// A subcommand: its parser, and what to do once its options are read. run() prints the results and returns the
/// program's exit code; errors are thrown.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};

/// Each adds its subcommand to the program's.
Command add_summary(CLI::App& program);
Command add_train(CLI::App& program);
Command add_eval(CLI::App& program);
Command add_predict(CLI::App& program);
Command add_cam(CLI::App& program);
Command add_lr_find(CLI::App& program);
Command add_show_batch(CLI::App& program);
Command add_charlm(CLI::App& program);
Command add_generate(CLI::App& program);

}  // namespace gw::commands
