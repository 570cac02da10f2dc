// --act, --norm and the options of residual blocks: what a model is made of, and how weights files tell it.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "data/dataset.h"
#include "nn/models/model_options.h"

namespace gw::commands {

struct LayerOptions {
  std::string act;  ///< empty: the model's own
  std::string norm = "batch";
  bool zero_init = false;  ///< false: as the model does it
  bool squeeze_excite = false;
  bool pre_activation = false;
  double width = ModelOptions{}.width;
  double drop = ModelOptions{}.drop;

  void add_to(CLI::App* command);
  ModelOptions model_options() const;
  /// The same for images with those channels and classes.
  ModelOptions model_options(const ImageDataset& kind) const;

  /// For the metadata of a weights file: nothing if all is as it is by default.
  std::map<std::string, std::string> metadata() const;
  /// The options that a weights file was written with. IoError, naming `path`, for what cannot be understood.
  static LayerOptions from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path);

  bool operator==(const LayerOptions&) const = default;
};

}  // namespace gw::commands
