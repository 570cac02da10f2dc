// The options of a run, kept in its checkpoints and taken up again by --resume.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace gw::commands {

/// The options that make a run what it is, with their values in text, and what is to be measured afterwards. Files,
/// folders and the device are not among them.
std::map<std::string, std::string> run_options(const CLI::App& command);

/// Gives every option that the user left out the value that it had in the run of a checkpoint. ConfigError, naming the
/// file and the option, if the user gave one that changes what is learnt another value.
void adopt_run_options(CLI::App& command, const std::map<std::string, std::string>& recorded, const std::string& path);

}  // namespace gw::commands
