#include "nn/models/cifar_models.h"

#include <fmt/format.h>

#include <initializer_list>

#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/models/resblock.h"
#include "nn/pool.h"
#include "nn/shape_layers.h"
#include "tensor/creation.h"

namespace gw {

BnLayer::BnLayer(int64_t ni, int64_t nf, int64_t stride, int64_t kernel_size)
    : conv(register_module(
          "conv", std::make_shared<Conv2d>(ni, nf, kernel_size, ConvOptions{.stride = stride, .padding = 1}, false))),
      a(register_parameter("a", zeros({1, nf, 1, 1}))),
      m(register_parameter("m", ones({1, nf, 1, 1}))),
      means(register_buffer("means", zeros({1, nf, 1, 1}))),
      stds(register_buffer("stds", ones({1, nf, 1, 1}))) {}

Tensor BnLayer::forward(const Tensor& input) {
  // The lesson adds nothing to the variance, but a channel that ReLU makes zero everywhere would become NaN.
  constexpr double kEps = 1e-5;
  const Tensor x = (*conv)(input).relu().to(DType::f32);
  Tensor mean = means, std = stds;
  if (is_training()) {
    mean = x.mean({0, 2, 3}, /*keepdim=*/true);
    std = (x.var({0, 2, 3}, 1, /*keepdim=*/true) + kEps).sqrt();
    means.copy_(mean.detach());
    stds.copy_(std.detach());
  }
  return ((x - mean) / std * m + a).to(input.dtype());
}

ResnetLayer::ResnetLayer(ModulePtr layer) : layer_(register_module("layer", std::move(layer))) {}

Tensor ResnetLayer::forward(const Tensor& x) { return x + (*layer_)(x); }

namespace {

ActivationFactory activation(const ModelOptions& o) { return o.act ? o.act : make_relu(); }

void check(const char* name, const ModelOptions& o) {
  if (o.zero_init.value_or(false) || o.squeeze_excite || o.pre_activation)
    throw ConfigError(fmt::format("{}: expected no options of residual blocks, because it has none of those", name));
}

/// Convolution, norm, activation: `nf` channels times the options' width.
Sequential layer(int64_t ni, int64_t nf, int64_t stride, const ModelOptions& o, int64_t kernel_size = 3) {
  Sequential layers(Conv2d(ni, nf, kernel_size, {.stride = stride, .padding = 1}, /*bias=*/!o.norm));
  if (o.norm) layers.push_back(o.norm(nf));
  layers.push_back(activation(o)());
  return layers;
}

using Widths = std::initializer_list<int64_t>;

/// A layer of stride 2 from each width to the next, followed by `residual` layers of stride 1.
void add_layers(Sequential& model, Widths widths, int residual, const ModelOptions& o) {
  for (auto to = widths.begin() + 1; to != widths.end(); ++to) {
    const int64_t nf = scaled_channels(*to, o);
    model.push_back(layer(scaled_channels(to[-1], o), nf, 2, o));
    for (int i = 0; i < residual; ++i) model.push_back(ResnetLayer(std::make_shared<Sequential>(layer(nf, nf, 1, o))));
  }
}

Sequential with_classifier(Sequential model, int64_t width, const ModelOptions& o, std::optional<double> drop = {}) {
  model.push_back(GlobalMaxPool());
  if (drop) model.push_back(Dropout(*drop));
  model.push_back(Linear(scaled_channels(width, o), o.classes));
  model.apply(init_weights(leak_of(activation(o))));
  return model;
}

/// The first convolution of the middle rungs, without norm or activation.
Conv2d first_conv(const ModelOptions& o) { return Conv2d(o.in_channels, scaled_channels(10, o), 5, {.padding = 2}); }

}  // namespace

Sequential cifar_simple(const ModelOptions& o) {
  check("cifar-simple", o);
  const int64_t hidden = scaled_channels(40, o);
  return Sequential(Flatten(), Linear(o.in_channels * o.image_height * o.image_width, hidden), activation(o)(),
                    Linear(hidden, o.classes));
}

Sequential cifar_conv(const ModelOptions& o) {
  check("cifar-conv", o);
  ModelOptions plain = o;
  plain.norm = nullptr;
  Sequential model(layer(o.in_channels, scaled_channels(20, o), 2, plain));
  add_layers(model, {20, 40, 80}, 0, plain);
  return with_classifier(std::move(model), 80, o);
}

Sequential cifar_bn_by_hand(const ModelOptions& o) {
  check("cifar-bn-by-hand", o);
  Sequential model(first_conv(o));
  const int64_t widths[] = {10, 20, 40, 80, 160};
  for (size_t i = 1; i < std::size(widths); ++i)
    model.push_back(BnLayer(scaled_channels(widths[i - 1], o), scaled_channels(widths[i], o)));
  return with_classifier(std::move(model), 160, o);
}

Sequential cifar_bn(const ModelOptions& o) {
  check("cifar-bn", o);
  Sequential model(first_conv(o));
  add_layers(model, {10, 20, 40, 80, 160}, 0, o);
  return with_classifier(std::move(model), 160, o);
}

Sequential cifar_resnet(const ModelOptions& o) {
  check("cifar-resnet", o);
  Sequential model(first_conv(o));
  add_layers(model, {10, 20, 40, 80, 160}, 2, o);
  return with_classifier(std::move(model), 160, o);
}

Sequential cifar_resnet2(const ModelOptions& o) {
  check("cifar-resnet2", o);
  Sequential model(layer(o.in_channels, scaled_channels(16, o), 1, o, 7));
  add_layers(model, {16, 32, 64, 128, 256}, 2, o);
  return with_classifier(std::move(model), 256, o, o.drop);
}

}  // namespace gw
