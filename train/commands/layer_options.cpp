#include "train/commands/layer_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "train/commands/options.h"

namespace gw::commands {
namespace {

constexpr const char* kKey = "layers";

std::string check_activation(const std::string& name) {
  try {
    activation_named(name);
    return "";
  } catch (const ConfigError& e) {
    return e.what();
  }
}

}  // namespace

void LayerOptions::add_to(CLI::App* command) {
  command
      ->add_option("--act", act,
                   fmt::format("Activation: {}, or with numbers, as general-relu:LEAK:SUB; default: the model's own",
                               fmt::join(activation_names(), ", ")))
      ->check(CLI::Validator(check_activation, "NAME"));
  command->add_option("--norm", norm, "Norm after each convolution")
      ->check(CLI::IsMember(norm_names()))
      ->capture_default_str();
  command->add_flag("--zero-init", zero_init, "Let every residual block begin as the identity");
  command->add_flag("--squeeze-excite", squeeze_excite, "Weigh the channels of every residual block");
  command->add_flag("--pre-activation", pre_activation, "Norm and activation before each convolution of a block");
  command->add_option("--width", width, "Multiply all channels within the model by this")
      ->check(positive())
      ->capture_default_str();
  command->add_option("--drop", drop, "Dropout probability of resnet-drop and cifar-resnet2")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

ModelOptions LayerOptions::model_options() const {
  ModelOptions o;
  o.width = width;
  o.drop = drop;
  if (!act.empty()) o.act = activation_named(act);
  o.norm = norm_named(norm);
  o.classifier_norm = classifier_norm_named(norm);
  if (zero_init) o.zero_init = true;
  o.squeeze_excite = squeeze_excite;
  o.pre_activation = pre_activation;
  return o;
}

ModelOptions LayerOptions::model_options(const ImageDataset& kind) const {
  ModelOptions o = model_options();
  o.in_channels = kind.images.size(1);
  o.image_height = kind.images.size(2);
  o.image_width = kind.images.size(3);
  o.classes = static_cast<int64_t>(kind.classes.size());
  return o;
}

std::map<std::string, std::string> LayerOptions::metadata() const {
  if (*this == LayerOptions{}) return {};
  const nlohmann::json json = {{"act", act},
                               {"norm", norm},
                               {"zero_init", zero_init},
                               {"squeeze_excite", squeeze_excite},
                               {"pre_activation", pre_activation},
                               {"width", width},
                               {"drop", drop}};
  return {{kKey, json.dump()}};
}

LayerOptions LayerOptions::from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  LayerOptions o;
  const auto it = metadata.find(kKey);
  if (it == metadata.end()) return o;
  try {
    const auto json = nlohmann::json::parse(it->second);
    o.act = json.at("act");
    o.norm = json.at("norm");
    o.zero_init = json.at("zero_init");
    o.squeeze_excite = json.at("squeeze_excite");
    o.pre_activation = json.at("pre_activation");
    o.width = json.value("width", o.width);
    o.drop = json.at("drop");
    o.model_options();  // knows all names
  } catch (const std::exception&) {
    throw IoError(
        fmt::format("load: {}: what it says of its model's layers cannot be understood: {}", path, it->second));
  }
  return o;
}

}  // namespace gw::commands
