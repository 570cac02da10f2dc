#include "nn/models/imagenet_resnet.h"

#include <fmt/format.h>

#include "nn/conv2d.h"
#include "nn/fusion.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/pool.h"
#include "nn/shape_layers.h"

namespace gw {
namespace {

/// What all convolutions of a model have in common.
struct Style {
  ActivationFactory act;
  NormFactory norm;  ///< may be null: then convolutions have a bias
  bool zero_init;
};

Conv2d convolution(int64_t ni, int64_t nf, int64_t ks, int64_t stride, const Style& style) {
  return Conv2d(ni, nf, ks, {.stride = stride, .padding = ks / 2}, /*bias=*/!style.norm);
}

/// Channels and stride of a block.
struct BlockShape {
  int64_t in, width, out, stride;
};

/// Convolutions conv1, conv2, ..., each with a norm (bn1, ...) and an activation (act1, ...), and a path around them,
/// which is added before the last activation.
class Block : public Module {
 public:
  Block(const BlockShape& s, bool bottleneck, bool average_downsample, const Style& style) : bottleneck_(bottleneck) {
    if (bottleneck) {
      add_stage(s.in, s.width, 1, 1, style);
      add_stage(s.width, s.width, 3, s.stride, style);
      add_stage(s.width, s.out, 1, 1, style);
    } else {
      add_stage(s.in, s.width, 3, s.stride, style);
      add_stage(s.width, s.out, 3, 1, style);
    }
    if (s.stride != 1 || s.in != s.out)
      downsample_ = register_module("downsample", shortcut(s, average_downsample, style));
    if (style.zero_init) zero_init_norm(stages_.back().norm.get());
  }

  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (const Stage& stage : stages_) {
      const bool last = &stage == &stages_.back();
      const Tensor residual = !last ? Tensor{} : downsample_ ? (*downsample_)(x) : x;
      y = norm_add_act((*stage.conv)(y), stage.norm.get(), residual, stage.act.get());
    }
    return y;
  }

  std::string type_name() const override { return bottleneck_ ? "Bottleneck" : "BasicBlock"; }

 private:
  struct Stage {
    ModulePtr conv, norm, act;
  };

  void add_stage(int64_t ni, int64_t nf, int64_t ks, int64_t stride, const Style& style) {
    const std::string number = std::to_string(stages_.size() + 1);
    Stage stage;
    stage.conv = register_module("conv" + number, std::make_shared<Conv2d>(convolution(ni, nf, ks, stride, style)));
    if (style.norm) stage.norm = register_module("bn" + number, style.norm(nf));
    stage.act = register_module("act" + number, style.act());
    stages_.push_back(stage);
  }

  static std::shared_ptr<Sequential> shortcut(const BlockShape& s, bool average, const Style& style) {
    auto layers = std::make_shared<Sequential>();
    if (average && s.stride != 1)
      layers->push_back(AvgPool2d({.kernel = s.stride, .ceil_mode = true, .count_include_pad = false}));
    else if (average)
      layers->push_back(Identity());
    layers->push_back(convolution(s.in, s.out, 1, average ? 1 : s.stride, style));
    if (style.norm) layers->push_back(style.norm(s.out));
    return layers;
  }

  bool bottleneck_;
  std::vector<Stage> stages_;
  std::shared_ptr<Sequential> downsample_;  ///< null where the shapes do not change
};

/// From the image to `channels` at half its height and width, before the first norm.
ModulePtr stem(int64_t in_channels, int64_t channels, bool deep, const Style& style) {
  if (!deep) return std::make_shared<Conv2d>(convolution(in_channels, channels, 7, 2, style));
  const int64_t half = channels / 2;
  auto layers = std::make_shared<Sequential>();
  for (const bool first : {true, false}) {
    layers->push_back(convolution(first ? in_channels : half, half, 3, first ? 2 : 1, style));
    if (style.norm) layers->push_back(style.norm(half));
    layers->push_back(style.act());
  }
  layers->push_back(convolution(half, channels, 3, 1, style));
  return layers;
}

void init_convolution(Module& module) {
  if (const auto* layer = dynamic_cast<Conv2d*>(&module))
    init::kaiming_normal_(layer->weight, {.mode = init::FanMode::fan_out, .nonlinearity = init::Nonlinearity::relu});
}

}  // namespace

ResNet::ResNet(const ResNetConfig& config, const ModelOptions& o) {
  if (o.squeeze_excite || o.pre_activation)
    throw ConfigError("ResNet: squeeze_excite and pre_activation are options of the lesson's models only");
  const Style style{o.act ? o.act : make_relu(), o.norm, o.zero_init.value_or(o.norm != nullptr)};
  const int64_t stem_channels = scaled_channels(config.widths[0], o);
  conv1_ = register_module("conv1", stem(o.in_channels, stem_channels, config.deep_stem, style));
  if (style.norm) bn1_ = register_module("bn1", style.norm(stem_channels));
  act1_ = register_module("act1", style.act());
  maxpool_ =
      register_module("maxpool", std::make_shared<MaxPool2d>(PoolOptions{.kernel = 3, .stride = 2, .padding = 1}));
  int64_t in = stem_channels;
  for (size_t stage = 0; stage < layers_.size(); ++stage) {
    const int64_t width = scaled_channels(config.widths[stage], o), out = config.bottleneck ? 4 * width : width;
    auto blocks = std::make_shared<Sequential>();
    for (int64_t i = 0; i < config.blocks[stage]; ++i) {
      const BlockShape shape{in, width, out, i == 0 && stage > 0 ? 2 : 1};
      blocks->push_back(std::make_shared<Block>(shape, config.bottleneck, config.average_downsample, style));
      in = out;
    }
    layers_[stage] = register_module("layer" + std::to_string(stage + 1), blocks);
  }
  global_pool_ = register_module("global_pool", std::make_shared<GlobalAvgPool>());
  fc_ = register_module("fc", std::make_shared<Linear>(in, o.classes));
  apply(init_convolution);
}

Tensor ResNet::forward(const Tensor& x) {
  Tensor y = (*maxpool_)(norm_add_act((*conv1_)(x), bn1_.get(), {}, act1_.get()));
  for (const auto& layer : layers_) y = (*layer)(y);
  return (*fc_)((*global_pool_)(y));
}

}  // namespace gw
