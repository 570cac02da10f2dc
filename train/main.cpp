// The command line. Exit codes: 0 done, 1 failed, 2 bad usage, 130 ended by Ctrl-C.
#include <fmt/format.h>

#include <cstdio>
#include <span>
#include <string>

#include "tensor/error.h"
#include "train/commands/command.h"

namespace {

constexpr int kFailed = 1, kBadUsage = 2;

/// "summary, train and eval".
std::string names(std::span<const gw::commands::Command> commands) {
  std::string text;
  for (size_t i = 0; i < commands.size(); ++i)
    text += (i == 0 ? "" : i + 1 < commands.size() ? ", " : " and ") + commands[i].app->get_name();
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gw::commands;
  CLI::App program("Groundwork: deep learning from the foundations", "groundwork");
  const Command commands[] = {add_summary(program),    add_train(program),  add_eval(program),
                              add_predict(program),    add_cam(program),    add_lr_find(program),
                              add_show_batch(program), add_charlm(program), add_generate(program)};
  try {
    program.parse(argc, argv);
    if (program.get_subcommands().size() != 1)
      throw CLI::RequiredError("exactly one of the commands " + names(commands));
    for (const Command& command : commands)
      if (*command.app) return command.run();
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return program.exit(e);  // --help
    fmt::print(stderr, "groundwork: {}\n", e.what());
    return kBadUsage;
  } catch (const std::exception& e) {
    fmt::print(stderr, "groundwork: {}\n", e.what());
  }
  return kFailed;
}
