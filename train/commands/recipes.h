// --recipe: sets of training options under a name.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace gw::commands {

/// --recipe: one of recipe_names().
CLI::Option* add_recipe(CLI::App* command, std::string& recipe);
std::vector<std::string> recipe_names();
/// The recipe's options as one would type them. ConfigError, listing those known, for another name.
const std::string& recipe_text(const std::string& name);

/// Gives every option of the recipe that the user left out the recipe's value.
void apply_recipe(CLI::App& command, const std::string& name);

/// What the user would have to type, without --recipe, for the options as they now are.
std::string equivalent_command_line(const CLI::App& command);

}  // namespace gw::commands
