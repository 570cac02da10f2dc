// The command line. Exit codes: 0 done, 1 failed, 2 bad usage, 130 ended by Ctrl-C.
#include <fmt/format.h>

#include <cstdio>

#include "tensor/error.h"
#include "train/commands/command.h"

namespace {

constexpr int kFailed = 1, kBadUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  using namespace gw::commands;
  CLI::App program("Groundwork: deep learning from the foundations", "groundwork");
  const Command commands[] = {add_summary(program), add_train(program), add_eval(program)};
  try {
    program.parse(argc, argv);
    if (program.get_subcommands().size() != 1)
      throw CLI::RequiredError("exactly one of the commands summary, train and eval");
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
