#include "train/commands/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/fashion_mnist.h"
#include "nn/models/models.h"
#include "tensor/creation.h"
#include "tensor/safetensors.h"
#include "train/checkpoint.h"

namespace gw::commands {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kModelKey = "model", *kClassesKey = "classes", *kImagesKey = "images";

/// In the order of PictureFit.
const std::vector<std::string> kFits = {"object", "crop", "squish"};

Json json_of(const ImageDataset& dataset) {
  const Shape& shape = dataset.images.shape();
  return {{"shape", {shape[1], shape[2], shape[3]}},
          {"mean", dataset.mean},
          {"std", dataset.std},
          {"fit", kFits.at(static_cast<size_t>(dataset.fit))}};
}

/// The empty data set that a file's metadata describe, if they do.
std::optional<ImageDataset> kind_of(const SafetensorsFile& file, const std::string& path) {
  const auto classes = file.metadata.find(kClassesKey), images = file.metadata.find(kImagesKey);
  if (classes == file.metadata.end() || images == file.metadata.end()) return {};
  try {
    const Json json = Json::parse(images->second);
    ImageDataset kind = empty_fashion_mnist();
    const std::vector<int64_t> shape = json.at("shape");
    kind.images = empty({0, shape.at(0), shape.at(1), shape.at(2)}, {.dtype = DType::u8});
    kind.mean = json.at("mean").get<std::vector<float>>();
    kind.std = json.at("std").get<std::vector<float>>();
    const auto fit = std::find(kFits.begin(), kFits.end(), json.value("fit", kFits.front()));
    if (fit == kFits.end()) throw ConfigError("they name a fit of pictures that is not known");
    kind.fit = static_cast<PictureFit>(fit - kFits.begin());
    kind.classes = Json::parse(classes->second).get<std::vector<std::string>>();
    if (kind.classes.empty() || kind.mean.size() != static_cast<size_t>(shape[0]) ||
        kind.std.size() != kind.mean.size())
      throw ConfigError("they do not fit together");
    return kind;
  } catch (const std::exception& e) {
    throw IoError(fmt::format("load: {}: its metadata are damaged: {}", path, e.what()));
  }
}

}  // namespace

std::map<std::string, std::string> weights_metadata(const std::string& model, const LayerOptions& layers,
                                                    const ImageDataset& dataset) {
  std::map<std::string, std::string> metadata = layers.metadata();
  metadata[kModelKey] = model;
  metadata[kClassesKey] = Json(dataset.classes).dump();
  metadata[kImagesKey] = json_of(dataset).dump();
  return metadata;
}

WeightsFile read_weights(const std::string& path, const std::string& model) {
  const SafetensorsFile file = load_safetensors(path);
  if (is_checkpoint(file.metadata))
    throw IoError(fmt::format("load: {} is a checkpoint; expected weights, which --save writes", path));
  WeightsFile weights{model, LayerOptions::from_metadata(file.metadata, path), kind_of(file, path), file.tensors};
  if (!model.empty()) return weights;
  const auto it = file.metadata.find(kModelKey);
  if (it == file.metadata.end())
    throw IoError(fmt::format("load: {} does not say which model it is for; name it with --model", path));
  weights.model = it->second;
  return weights;
}

NamedModel load_model(const std::string& path, const std::string& model) {
  const WeightsFile file = read_weights(path, model);
  NamedModel loaded{path, file.model, nullptr, file.kind ? *file.kind : empty_fashion_mnist()};
  loaded.model = make_model(loaded.name, file.layers.model_options(loaded.kind));
  loaded.model->load_state_dict(file.tensors);
  return loaded;
}

}  // namespace gw::commands
