// The models of the lesson: a plain convolutional net and the ResNets that follow it, for small images. Their
// convolutions are drawn by init_weights, with the slope of the activation; all else is as its layer begins.
#pragma once

#include "nn/models/resblock.h"

namespace gw {

/// conv 8-16-32-64-128, then down to the classes by one more. ConfigError for options of residual blocks.
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
/// Not the lesson's: few but wide layers, 64 to 512 channels, with blocks on two of the four grids and a max pool
/// between those. Quick to good results on CIFAR-10 (D. Page, "How to train your ResNet", 2018), whose proportions it
/// has.
Sequential resnet9(const ModelOptions& o = {});

}  // namespace gw
