// --aug, --aug-per, --mixup and --cutmix: how batches are augmented.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "train/augment.h"
#include "train/mix.h"

namespace gw::commands {

struct AugmentOptions {
  std::string list;           ///< see parse_augmentation; empty: none
  std::string per = "batch";  ///< or "image"
  MixOptions mix;

  void add_to(CLI::App* command);
  /// Gives a learner the callbacks that the options ask for.
  void add_callbacks(Learner& learner) const;
  /// "", "crop,flip", "flip, mixup 0.4", ...: for titles.
  std::string description() const;
};

}  // namespace gw::commands
