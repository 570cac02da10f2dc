// --aug and --aug-per: how batches are augmented.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "train/augment.h"

namespace gw::commands {

struct AugmentOptions {
  std::string list;           ///< see parse_augmentation; empty: none
  std::string per = "batch";  ///< or "image"

  void add_to(CLI::App* command);
  Augmentation augmentation() const { return parse_augmentation(list, per == "image"); }
};

}  // namespace gw::commands
