// Weights files of the command line: they say which model they are for, which images it takes, and which classes it
// tells apart.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "nn/module.h"
#include "train/commands/layer_options.h"

namespace gw::commands {

/// What a weights file of a model that is trained on this data says about itself.
std::map<std::string, std::string> weights_metadata(const std::string& model, const LayerOptions& layers,
                                                    const ImageDataset& dataset);

/// What a weights file holds.
struct WeightsFile {
  std::string model;  ///< its name
  LayerOptions layers;
  std::optional<ImageDataset> kind;  ///< what its images and classes are like, an empty data set; not of others' files
  NamedTensors tensors;
};

/// Reads it. `model` names the model for a file that does not. IoError if nothing does, for a checkpoint, and if the
/// metadata are damaged.
WeightsFile read_weights(const std::string& path, const std::string& model);

struct NamedModel {
  std::string path;  ///< of its weights
  std::string name;
  ModulePtr model;
  ImageDataset kind;  ///< what its images and classes are like: an empty data set
};

/// The model that a weights file is for, with its weights, on the CPU. `model` names it for a file that does not; of
/// what layers it is made, the file says. A file that does not tell about its images and classes is taken to be of
/// Fashion-MNIST. IoError if nothing names the model or the metadata are damaged; ShapeError if the weights are not of
/// that model.
NamedModel load_model(const std::string& path, const std::string& model);

}  // namespace gw::commands
