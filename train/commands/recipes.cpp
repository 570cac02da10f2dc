#include "train/commands/recipes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "tensor/error.h"

namespace gw::commands {
namespace {

constexpr const char* kRecipeOption = "--recipe";

/// As one would type them. To be chosen by what they reach with --holdout, never by the test set.
const std::map<std::string, std::string>& recipes() {
  static const std::map<std::string, std::string> table = {
      {"fast5",
       "--model resnet9 --width 0.5 --epochs 5 --batch 128 --lr 1e-2 --wd 0.05 --label-smoothing 0.1 "
       "--aug flip --aug-per image --tta"},
      {"best20",
       "--model resnet9 --squeeze-excite --epochs 20 --batch 128 --lr 1e-2 --wd 0.05 --label-smoothing 0.1 "
       "--aug crop=2,flip,cutout=0.25 --aug-per image --tta-views 10"},
      {"best50",
       "--model resnet9 --epochs 50 --batch 128 --lr 1e-2 --wd 0.05 --label-smoothing 0.1 "
       "--aug crop=2,flip,erase --aug-per image --tta-views 10"},
  };
  return table;
}

/// Option and value of each, in the order of the text; a flag's value is "true".
std::vector<std::pair<std::string, std::string>> parse(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> options;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.starts_with("--"))
      options.emplace_back(word, "true");
    else
      options.back().second = word;
  }
  return options;
}

/// A word as a shell reads it.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("-_./,:=+@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return word;
  std::string text = "'";
  for (char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

CLI::Option* add_recipe(CLI::App* command, std::string& recipe) {
  std::string help = "A set of options; those given besides it take precedence.";
  for (const auto& [name, text] : recipes()) help += fmt::format(" {}: {}.", name, text);
  return command->add_option(kRecipeOption, recipe, help)->check(CLI::IsMember(recipe_names()));
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& recipe : recipes()) names.push_back(recipe.first);
  return names;
}

const std::string& recipe_text(const std::string& name) {
  const auto it = recipes().find(name);
  if (it == recipes().end())
    throw ConfigError(fmt::format("recipe: expected one of {}, got '{}'", fmt::join(recipe_names(), ", "), name));
  return it->second;
}

void apply_recipe(CLI::App& command, const std::string& name) {
  const auto is_given = [&](const std::string& option) { return command.get_option(option)->count() > 0; };
  const bool views_given = is_given("--tta") || is_given("--tta-views");
  for (const auto& [option_name, value] : parse(recipe_text(name))) {
    CLI::Option* option = command.get_option(option_name);
    if (is_given(option_name) || (views_given && option_name.starts_with("--tta"))) continue;
    option->add_result(value);
    option->run_callback();
  }
}

std::string equivalent_command_line(const CLI::App& command) {
  std::string line = "groundwork " + command.get_name();
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == kRecipeOption) continue;
    const std::string value = CLI::detail::join(option->results(), ",");
    const bool flag = option->get_items_expected_max() == 0;
    if (flag)
      line += value == "true" ? " " + name : fmt::format(" {}={}", name, value);
    else
      line += fmt::format(" {} {}", name, quoted(value));
  }
  return line;
}

}  // namespace gw::commands
