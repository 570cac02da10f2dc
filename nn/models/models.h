// All models by name.
#pragma once

#include <string>
#include <vector>

#include "nn/models/model_options.h"

namespace gw {

/// Those of lesson 18, "convnet", "resnet", "resnet-wide", "resnet-gap", "resnet-slim", "resnet-fast", "resnet-drop"
/// and after it "resnet9" (see resnet.h); of lesson 7, "cifar-simple", "cifar-conv", "cifar-bn-by-hand", "cifar-bn",
/// "cifar-resnet", "cifar-resnet2" (see cifar_models.h); of lessons 10 and 11, "small-cnn" and "imagenette-cnn" (see
/// lesson_cnns.h); then the ResNets of ImageNet: "resnet18", "resnet18d", "resnet26d", "resnet34", "resnet50" (see
/// imagenet_resnet.h) and fast.ai's "xresnet18", "xresnet34", "xresnet50" (see xresnet.h).
std::vector<std::string> model_names();
/// The model of that name with freshly drawn weights. ConfigError, naming the models, for another name, and for options
/// that the model does not have.
ModulePtr make_model(const std::string& name, const ModelOptions& o = {});

}  // namespace gw
