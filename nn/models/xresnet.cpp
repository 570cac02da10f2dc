#include "nn/models/xresnet.h"

#include "nn/conv2d.h"
#include "nn/fusion.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/pool.h"
#include "nn/shape_layers.h"

namespace gw {
namespace {

/// What all layers of a model have in common.
struct Style {
  ActivationFactory act;
  NormFactory norm;  ///< may be null: then convolutions have a bias
  bool zero_init;
};

/// A convolution that keeps the grid (at stride 1), its norm, and an activation if wanted.
Sequential conv_layer(int64_t ni, int64_t nf, int64_t ks, int64_t stride, const Style& style, bool act = true) {
  Sequential layers(Conv2d(ni, nf, ks, {.stride = stride, .padding = ks / 2}, /*bias=*/!style.norm));
  if (style.norm) layers.push_back(style.norm(nf));
  if (act) layers.push_back(style.act());
  return layers;
}

/// act(convpath(x) + idpath(x)). The last norm, the addition and the activation run as one fused operation, unless a
/// hook watches one of them.
class XResBlock : public Module {
 public:
  XResBlock(int64_t ni, int64_t width, int64_t expansion, int64_t stride, const Style& style) {
    const int64_t nf = width * expansion;
    std::vector<Sequential> convs;
    if (expansion == 1) {
      convs.push_back(conv_layer(ni, width, 3, stride, style));
    } else {
      convs.push_back(conv_layer(ni, width, 1, 1, style));
      convs.push_back(conv_layer(width, width, 3, stride, style));
    }
    last_ = std::make_shared<Sequential>(conv_layer(width, nf, expansion == 1 ? 3 : 1, 1, style, /*act=*/false));
    convpath_ = register_module("convpath", std::make_shared<Sequential>());
    for (Sequential& layers : convs) convpath_->push_back(std::move(layers));
    convpath_->push_back(last_);
    if (style.norm) norm_ = &(*last_)[1];
    if (style.zero_init) zero_init_norm(norm_);
    if (ni != nf || stride != 1) idpath_ = register_module("idpath", std::make_shared<Sequential>());
    if (stride != 1) idpath_->push_back(AvgPool2d({.kernel = stride, .ceil_mode = true}));
    if (ni != nf) idpath_->push_back(conv_layer(ni, nf, 1, 1, style, /*act=*/false));
    act_ = register_module("act", style.act());
  }

  Tensor forward(const Tensor& x) override {
    const Tensor shortcut = idpath_ ? (*idpath_)(x) : x;
    if (!norm_ || convpath_->has_hooks() || last_->has_hooks())
      return norm_add_act((*convpath_)(x), nullptr, shortcut, act_.get());
    Tensor y = x;
    for (size_t i = 0; i + 1 < convpath_->size(); ++i) y = (*convpath_)[i](y);
    return norm_add_act((*last_)[0](y), norm_, shortcut, act_.get());
  }

  std::string type_name() const override { return "XResBlock"; }

 private:
  std::shared_ptr<Sequential> convpath_, last_;  ///< last_ is the last of convpath_
  std::shared_ptr<Sequential> idpath_;           ///< null where the shapes do not change
  ModulePtr act_;
  Module* norm_ = nullptr;  ///< after the last convolution; null if there are none
};

void init_layer(Module& module) {
  const init::KaimingOptions kOptions{.nonlinearity = init::Nonlinearity::relu};
  if (const auto* conv = dynamic_cast<Conv2d*>(&module)) init::kaiming_normal_(conv->weight, kOptions);
  if (const auto* linear = dynamic_cast<Linear*>(&module)) {
    init::kaiming_normal_(linear->weight, kOptions);
    init::zeros_(linear->bias);
  }
}

}  // namespace

Sequential xresnet(const XResNetConfig& config, const ModelOptions& o) {
  if (o.squeeze_excite || o.pre_activation)
    throw ConfigError("xresnet: squeeze_excite and pre_activation are options of the lesson's models only");
  const Style style{o.act ? o.act : make_relu(), o.norm, o.zero_init.value_or(o.norm != nullptr)};
  const int64_t stem[] = {o.in_channels, scaled_channels(32, o), scaled_channels(32, o), scaled_channels(64, o)};
  Sequential model;
  for (size_t i = 0; i < 3; ++i) model.push_back(conv_layer(stem[i], stem[i + 1], 3, i == 0 ? 2 : 1, style));
  model.push_back(MaxPool2d({.kernel = 3, .stride = 2, .padding = 1}));
  int64_t in = stem[3];
  for (size_t stage = 0; stage < config.blocks.size(); ++stage) {
    const int64_t width = scaled_channels(int64_t{64} << stage, o);
    Sequential blocks;
    for (int64_t i = 0; i < config.blocks[stage]; ++i) {
      blocks.push_back(XResBlock(in, width, config.expansion, i == 0 && stage > 0 ? 2 : 1, style));
      in = width * config.expansion;
    }
    model.push_back(std::make_shared<Sequential>(std::move(blocks)));
  }
  model.push_back(GlobalAvgPool());
  model.push_back(Flatten());
  model.push_back(Identity());  // where fast.ai has a dropout of 0: the weights keep its names
  model.push_back(Linear(in, o.classes));
  model.apply(init_layer);
  return model;
}

}  // namespace gw
