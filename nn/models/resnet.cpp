#include "nn/models/resnet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <initializer_list>

#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/pool.h"
#include "nn/shape_layers.h"

namespace gw {
namespace {

BlockOptions block(const ModelOptions& o, int64_t ks, int64_t stride) {
  return {.ks = ks, .stride = stride, .act = make_general_relu(o.act), .zero_init = o.zero_init};
}

/// A ResBlock of stride 2 from each width to the next.
void add_blocks(Sequential& model, const ModelOptions& o, std::initializer_list<int64_t> widths) {
  for (auto to = widths.begin() + 1; to != widths.end(); ++to) model.push_back(ResBlock(to[-1], *to, block(o, 3, 2)));
}

void add_classifier(Sequential& model, const ModelOptions& o, int64_t features) {
  model.push_back(Linear(features, o.classes, /*bias=*/false));
  model.push_back(BatchNorm1d(o.classes));
}

}  // namespace

Sequential convnet(const ModelOptions& o) {
  Sequential model;
  model.push_back(conv(o.in_channels, 8, block(o, 3, 1)));
  for (int64_t width : {8, 16, 32, 64}) model.push_back(conv(width, 2 * width, block(o, 3, 2)));
  model.push_back(conv(128, o.classes, {.stride = 2, .act = nullptr}));
  model.push_back(Flatten());
  return model;
}

Sequential resnet(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, 8, block(o, 3, 1)));
  add_blocks(model, o, {8, 16, 32, 64, 128, 256});
  model.push_back(Flatten());
  add_classifier(model, o, 256);
  return model;
}

Sequential resnet_wide(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, 16, block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256, 512});
  model.push_back(Flatten());
  add_classifier(model, o, 512);
  return model;
}

Sequential resnet_gap(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, 16, block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256});
  model.push_back(ResBlock(256, 512, block(o, 3, 1)));
  model.push_back(GlobalAvgPool());
  add_classifier(model, o, 512);
  return model;
}

Sequential resnet_slim(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, 16, block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256});
  model.push_back(GlobalAvgPool());
  add_classifier(model, o, 256);
  return model;
}

Sequential resnet_fast(const ModelOptions& o) {
  Sequential model;
  model.push_back(conv(o.in_channels, 16, block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256});
  model.push_back(GlobalAvgPool());
  add_classifier(model, o, 256);
  return model;
}

Sequential resnet_drop(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, 16, block(o, 5, 1)), Dropout2d(o.drop));
  add_blocks(model, o, {16, 32, 64, 128, 256, 512});
  model.push_back(Flatten());
  model.push_back(Dropout(o.drop));
  add_classifier(model, o, 512);
  return model;
}

namespace {

struct NamedModel {
  const char* name;
  Sequential (*make)(const ModelOptions&);
};

constexpr std::array<NamedModel, 7> kModels{{
    {"convnet", convnet},
    {"resnet", resnet},
    {"resnet-wide", resnet_wide},
    {"resnet-gap", resnet_gap},
    {"resnet-slim", resnet_slim},
    {"resnet-fast", resnet_fast},
    {"resnet-drop", resnet_drop},
}};

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const NamedModel& model : kModels) names.push_back(model.name);
  return names;
}

std::shared_ptr<Sequential> make_model(const std::string& name, const ModelOptions& o) {
  for (const NamedModel& entry : kModels) {
    if (name != entry.name) continue;
    auto model = std::make_shared<Sequential>(entry.make(o));
    model->apply(init_weights(o.act.leak));
    return model;
  }
  throw ConfigError(
      fmt::format("make_model: there is no model {}; there are {}", name, fmt::join(model_names(), ", ")));
}

}  // namespace gw
