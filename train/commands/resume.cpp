#include "train/commands/resume.h"

#include <fmt/format.h>

#include <cstdlib>
#include <set>

#include "tensor/error.h"

namespace gw::commands {
namespace {

/// Options that may differ between a run and the one that resumes it.
const std::set<std::string> kFree = {"--help",  "--data",  "--device",    "--log",        "--log-every", "--save",
                                     "--plots", "--stats", "--save-best", "--checkpoint", "--resume"};
/// Those that are taken up again unless the user gives others.
const std::set<std::string> kAdopted = {"--tta", "--tta-views"};

bool defines_run(const CLI::Option& option) { return !kFree.contains(option.get_name()); }

/// The option's value in text, as given or by default; empty if it has none.
std::string text_of(const CLI::Option& option) {
  return option.count() > 0 ? CLI::detail::join(option.results(), " ") : option.get_default_str();
}

/// "1e-2" is "0.01".
bool same_value(const std::string& a, const std::string& b) {
  char *a_end = nullptr, *b_end = nullptr;
  const double x = std::strtod(a.c_str(), &a_end), y = std::strtod(b.c_str(), &b_end);
  const bool numbers = !a.empty() && !b.empty() && *a_end == '\0' && *b_end == '\0';
  return numbers ? x == y : a == b;
}

}  // namespace

std::map<std::string, std::string> run_options(const CLI::App& command) {
  std::map<std::string, std::string> values;
  for (const CLI::Option* option : command.get_options())
    if (const std::string text = text_of(*option); defines_run(*option) && !text.empty())
      values[option->get_name()] = text;
  return values;
}

void adopt_run_options(CLI::App& command, const std::map<std::string, std::string>& recorded, const std::string& path) {
  for (const auto& entry : recorded)
    if (!command.get_option_no_throw(entry.first))
      throw IoError(fmt::format("resume: {} is of a run with {}, which this program does not know", path, entry.first));
  for (CLI::Option* option : command.get_options()) {
    if (!defines_run(*option)) continue;
    const std::string name = option->get_name();
    const auto it = recorded.find(name);
    const bool given = option->count() > 0;
    if (given && kAdopted.contains(name)) continue;
    if (given && it == recorded.end()) throw ConfigError(fmt::format("resume: {} is of a run without {}", path, name));
    if (given && !same_value(text_of(*option), it->second))
      throw ConfigError(
          fmt::format("resume: {} is of a run with {} {}, not {}", path, name, it->second, text_of(*option)));
    if (given || it == recorded.end()) continue;
    try {
      option->add_result(it->second);
      option->run_callback();
    } catch (const CLI::Error& e) {
      throw IoError(fmt::format("resume: {} is damaged: {}", path, e.what()));
    }
  }
}

}  // namespace gw::commands
