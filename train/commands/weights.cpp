#include "train/commands/weights.h"

#include <fmt/format.h>

#include "nn/models/models.h"
#include "tensor/safetensors.h"
#include "train/checkpoint.h"

namespace gw::commands {
namespace {

constexpr const char* kModelKey = "model";

}  // namespace

std::map<std::string, std::string> weights_metadata(const std::string& model, const LayerOptions& layers) {
  std::map<std::string, std::string> metadata = layers.metadata();
  metadata[kModelKey] = model;
  return metadata;
}

NamedModel load_model(const std::string& path, const std::string& model) {
  const SafetensorsFile file = load_safetensors(path);
  if (is_checkpoint(file.metadata))
    throw IoError(fmt::format("load: {} is a checkpoint; expected weights, which --save writes", path));
  NamedModel loaded{model, nullptr};
  if (model.empty()) {
    const auto it = file.metadata.find(kModelKey);
    if (it == file.metadata.end())
      throw IoError(fmt::format("load: {} does not say which model it is for; name it with --model", path));
    loaded.name = it->second;
  }
  loaded.model = make_model(loaded.name, LayerOptions::from_metadata(file.metadata, path).model_options());
  loaded.model->load_state_dict(file.tensors);
  return loaded;
}

}  // namespace gw::commands
