#include "nn/models/resnet.h"

#include <initializer_list>

#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/pool.h"
#include "nn/shape_layers.h"

namespace gw {
namespace {

ActivationFactory activation(const ModelOptions& o) { return o.act ? o.act : make_general_relu(); }

/// A convolution, or the first block: it sees pixels, to which norm and activation do nothing good.
BlockOptions first_block(const ModelOptions& o, int64_t ks, int64_t stride) {
  return {.ks = ks,
          .stride = stride,
          .act = activation(o),
          .norm = o.norm,
          .zero_init = o.zero_init.value_or(false),
          .squeeze_excite = o.squeeze_excite};
}

BlockOptions block(const ModelOptions& o, int64_t stride) {
  BlockOptions options = first_block(o, 3, stride);
  options.pre_activation = o.pre_activation;
  return options;
}

/// A ResBlock of stride 2 from each width to the next.
void add_blocks(Sequential& model, const ModelOptions& o, std::initializer_list<int64_t> widths) {
  for (auto to = widths.begin() + 1; to != widths.end(); ++to)
    model.push_back(ResBlock(scaled_channels(to[-1], o), scaled_channels(*to, o), block(o, 2)));
}

/// A convolution of stride 1 whose grid a max pool halves before norm and activation, which so have a quarter to do.
Sequential pooled_conv(int64_t ni, int64_t nf, const ModelOptions& o) {
  Sequential layers(Conv2d(ni, nf, 3, {.stride = 1, .padding = 1}), MaxPool2d({.kernel = 2}));
  if (o.norm) layers.push_back(o.norm(nf));
  layers.push_back(activation(o)());
  return layers;
}

/// What makes classes of the last block's channels, `width` times the options' width; `join` brings them into a row.
template <class Join>
Sequential with_classifier(Sequential model, const ModelOptions& o, int64_t width, Join join,
                           std::optional<double> drop = {}) {
  const int64_t features = scaled_channels(width, o);
  if (o.pre_activation) {
    if (o.norm) model.push_back(o.norm(features));
    model.push_back(activation(o)());
  }
  model.push_back(std::move(join));
  if (drop) model.push_back(Dropout(*drop));
  const NormFactory last = o.norm ? o.classifier_norm : nullptr;
  model.push_back(Linear(features, o.classes, /*bias=*/!last));
  if (last) model.push_back(last(o.classes));
  model.apply(init_weights(leak_of(activation(o))));
  return model;
}

}  // namespace

Sequential convnet(const ModelOptions& o) {
  if (o.zero_init.value_or(false) || o.squeeze_excite || o.pre_activation)
    throw ConfigError("convnet: expected no options of residual blocks, because it has none");
  Sequential model;
  model.push_back(conv(o.in_channels, scaled_channels(8, o), first_block(o, 3, 1)));
  for (int64_t width : {8, 16, 32, 64})
    model.push_back(conv(scaled_channels(width, o), scaled_channels(2 * width, o), block(o, 2)));
  model.push_back(conv(scaled_channels(128, o), o.classes, {.stride = 2, .act = nullptr, .norm = o.norm}));
  model.push_back(Flatten());
  model.apply(init_weights(leak_of(activation(o))));
  return model;
}

Sequential resnet(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, scaled_channels(8, o), first_block(o, 3, 1)));
  add_blocks(model, o, {8, 16, 32, 64, 128, 256});
  return with_classifier(std::move(model), o, 256, Flatten());
}

Sequential resnet_wide(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, scaled_channels(16, o), first_block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256, 512});
  return with_classifier(std::move(model), o, 512, Flatten());
}

Sequential resnet_gap(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, scaled_channels(16, o), first_block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256});
  model.push_back(ResBlock(scaled_channels(256, o), scaled_channels(512, o), block(o, 1)));
  return with_classifier(std::move(model), o, 512, GlobalAvgPool());
}

Sequential resnet_slim(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, scaled_channels(16, o), first_block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256});
  return with_classifier(std::move(model), o, 256, GlobalAvgPool());
}

Sequential resnet_fast(const ModelOptions& o) {
  Sequential model;
  model.push_back(conv(o.in_channels, scaled_channels(16, o), first_block(o, 5, 1)));
  add_blocks(model, o, {16, 32, 64, 128, 256});
  return with_classifier(std::move(model), o, 256, GlobalAvgPool());
}

Sequential resnet_drop(const ModelOptions& o) {
  Sequential model(ResBlock(o.in_channels, scaled_channels(16, o), first_block(o, 5, 1)), Dropout2d(o.drop));
  add_blocks(model, o, {16, 32, 64, 128, 256, 512});
  return with_classifier(std::move(model), o, 512, Flatten(), o.drop);
}

Sequential resnet9(const ModelOptions& o) {
  const auto width = [&o](int64_t channels) { return scaled_channels(channels, o); };
  Sequential model;
  model.push_back(conv(o.in_channels, width(64), first_block(o, 3, 1)));
  model.push_back(pooled_conv(width(64), width(128), o));
  model.push_back(ResBlock(width(128), width(128), block(o, 1)));
  model.push_back(pooled_conv(width(128), width(256), o));
  model.push_back(pooled_conv(width(256), width(512), o));
  model.push_back(ResBlock(width(512), width(512), block(o, 1)));
  return with_classifier(std::move(model), o, 512, GlobalMaxPool());
}

}  // namespace gw
