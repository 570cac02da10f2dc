#include "nn/models/models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/models/cifar_models.h"
#include "nn/models/imagenet_resnet.h"
#include "nn/models/lesson_cnns.h"
#include "nn/models/resnet.h"
#include "nn/models/xresnet.h"

namespace gw {
namespace {

struct NamedModel {
  const char* name;
  Sequential (*make)(const ModelOptions&);
};

constexpr NamedModel kLessonModels[] = {
    {"convnet", convnet},
    {"resnet", resnet},
    {"resnet-wide", resnet_wide},
    {"resnet-gap", resnet_gap},
    {"resnet-slim", resnet_slim},
    {"resnet-fast", resnet_fast},
    {"resnet-drop", resnet_drop},
    {"resnet9", resnet9},
    {"cifar-simple", cifar_simple},
    {"cifar-conv", cifar_conv},
    {"cifar-bn-by-hand", cifar_bn_by_hand},
    {"cifar-bn", cifar_bn},
    {"cifar-resnet", cifar_resnet},
    {"cifar-resnet2", cifar_resnet2},
    {"small-cnn", small_cnn},
    {"imagenette-cnn", imagenette_cnn},
};

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const NamedModel& model : kLessonModels) names.push_back(model.name);
  for (const NamedResNet& model : kImageNetResNets) names.push_back(model.name);
  for (const NamedXResNet& model : kXResNets) names.push_back(model.name);
  return names;
}

ModulePtr make_model(const std::string& name, const ModelOptions& o) {
  for (const NamedModel& model : kLessonModels)
    if (name == model.name) return std::make_shared<Sequential>(model.make(o));
  for (const NamedResNet& model : kImageNetResNets)
    if (name == model.name) return std::make_shared<ResNet>(model.config, o);
  for (const NamedXResNet& model : kXResNets)
    if (name == model.name) return std::make_shared<Sequential>(xresnet(model.config, o));
  throw ConfigError(
      fmt::format("make_model: there is no model {}; there are {}", name, fmt::join(model_names(), ", ")));
}

}  // namespace gw
