// --tta and --tta-views: how many views of each image are averaged.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace gw::commands {

struct ViewOptions {
  bool tta = false;
  std::optional<int64_t> views = {};  ///< if given, instead of --tta's two

  void add_to(CLI::App* command);
  int64_t count() const { return views.value_or(tta ? 2 : 1); }
  /// "", "test time augmentation", "test time augmentation, 10 views": for a line of results.
  std::string description() const;
};

}  // namespace gw::commands
