// Weights files of the command line: they say which model they are for.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "nn/module.h"
#include "train/commands/layer_options.h"

namespace gw::commands {

/// What a weights file of a model says about itself.
std::map<std::string, std::string> weights_metadata(const std::string& model, const LayerOptions& layers = {});

struct NamedModel {
  std::string name;
  ModulePtr model;
};

/// The model that a weights file is for, with its weights, on the CPU. `model` names it for a file that does not; of
/// what layers it is made, the file says.
/// IoError if neither does; ShapeError if the weights are not of that model.
NamedModel load_model(const std::string& path, const std::string& model);

}  // namespace gw::commands
