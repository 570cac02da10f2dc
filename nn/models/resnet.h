// The models of the lesson: a plain convolutional net and the ResNets that follow it, for small images.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/models/resblock.h"

namespace gw {

struct ModelOptions {
  int64_t in_channels = 1;
  int64_t classes = 10;
  double drop = 0.1;  ///< dropout probability of resnet-drop
  GeneralReluOptions act = {.leak = 0.1f, .sub = 0.4f};
  bool zero_init = false;  ///< every ResBlock begins as the identity
};

/// conv 8-16-32-64-128, then down to the classes by one more.
Sequential convnet(const ModelOptions& o = {});
/// ResBlocks 8-16-32-64-128-256.
Sequential resnet(const ModelOptions& o = {});
/// Twice as wide, with 5x5 kernels in the first block.
Sequential resnet_wide(const ModelOptions& o = {});
/// As resnet_wide, but the last block keeps the 2x2 grid, which a global average pool then closes.
Sequential resnet_gap(const ModelOptions& o = {});
/// As resnet_gap without its largest block.
Sequential resnet_slim(const ModelOptions& o = {});
/// As resnet_slim with a single convolution in place of the first block, where most of the arithmetic was.
Sequential resnet_fast(const ModelOptions& o = {});
/// resnet_wide with dropout: of channels after the first block, of elements before the classifier.
Sequential resnet_drop(const ModelOptions& o = {});

/// "convnet", "resnet", "resnet-wide", "resnet-gap", "resnet-slim", "resnet-fast", "resnet-drop".
std::vector<std::string> model_names();
/// The model of that name, its convolutions drawn by init_weights(act.leak), all else as its layer begins. ConfigError,
/// naming the models, for another name.
std::shared_ptr<Sequential> make_model(const std::string& name, const ModelOptions& o = {});

}  // namespace gw
