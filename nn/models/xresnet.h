// fast.ai's XResNets: the ResNets of "Bag of tricks for image classification with convolutional neural networks" (He et
// al. 2018), which lesson 11 trains on Imagenette.
#pragma once

#include <array>

#include "nn/models/model_options.h"
#include "nn/sequential.h"

namespace gw {

/// A member of the family.
struct XResNetConfig {
  int64_t expansion = 1;  ///< 4: blocks of 1x1, 3x3, 1x1 convolutions with so many times the channels; 1: two 3x3
  std::array<int64_t, 4> blocks{};  ///< in each stage
};

struct NamedXResNet {
  const char* name;
  XResNetConfig config;
};

inline constexpr NamedXResNet kXResNets[] = {
    {"xresnet18", {.blocks = {2, 2, 2, 2}}},
    {"xresnet34", {.blocks = {3, 4, 6, 3}}},
    {"xresnet50", {.expansion = 4, .blocks = {3, 4, 6, 3}}},
};

/// [N, in_channels, H, W] -> [N, classes]: three 3x3 convolutions to 32, 32 and 64 channels, a max pool, four stages of
/// blocks of 64, 128, 256 and 512 channels (times the expansion), a global average pool and a linear layer. The path
/// around a block is an average pool, where the grid is halved, and a 1x1 convolution with a norm, where the channels
/// change. Activations are ReLU unless the options say otherwise; convolutions have no bias if there are norms, start
/// Kaiming normal (fan in), and the last norm of each block at zero unless the options say otherwise. ConfigError for
/// squeeze_excite and pre_activation, which it does not have.
Sequential xresnet(const XResNetConfig& config, const ModelOptions& o = {});

}  // namespace gw
