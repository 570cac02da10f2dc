// The ResNets of ImageNet as torchvision and timm build them: names and shapes of their weights are theirs, so that
// weights go either way.
#pragma once

#include <array>

#include "nn/models/model_options.h"
#include "nn/sequential.h"

namespace gw {

/// A member of the family. Its four stages of blocks begin on a quarter of the image's height and width; every later
/// one halves them again.
struct ResNetConfig {
  bool bottleneck = false;          ///< blocks of 1x1, 3x3, 1x1 convolutions instead of two 3x3 ones
  std::array<int64_t, 4> blocks{};  ///< in each stage
  bool deep_stem = false;           ///< three 3x3 convolutions first instead of one 7x7 ("d", He et al. 2018)
  bool average_downsample = false;  ///< shortcuts shrink by an average pool instead of a stride ("d" too)
  std::array<int64_t, 4> widths{64, 128, 256, 512};  ///< channels within the blocks; a bottleneck's output has 4 times
};

struct NamedResNet {
  const char* name;  ///< timm's
  ResNetConfig config;
};

inline constexpr NamedResNet kImageNetResNets[] = {
    {"resnet18", {.blocks = {2, 2, 2, 2}}},
    {"resnet18d", {.blocks = {2, 2, 2, 2}, .deep_stem = true, .average_downsample = true}},
    {"resnet26d", {.bottleneck = true, .blocks = {2, 2, 2, 2}, .deep_stem = true, .average_downsample = true}},
    {"resnet34", {.blocks = {3, 4, 6, 3}}},
    {"resnet50", {.bottleneck = true, .blocks = {3, 4, 6, 3}}},
};

/// He et al., "Deep residual learning for image recognition", 2015, with the changes of "Bag of tricks for image
/// classification with convolutional neural networks", 2018: [N, in_channels, H, W] -> [N, classes]. Activations are
/// ReLU unless the options say otherwise; convolutions start Kaiming normal (fan out), and the last norm of each block
/// at zero unless the options say otherwise. ConfigError for squeeze_excite and pre_activation, which it does not have.
class ResNet : public Module {
 public:
  explicit ResNet(const ResNetConfig& config, const ModelOptions& o = {});
  Tensor forward(const Tensor& x) override;

 private:
  ModulePtr conv1_, bn1_, act1_, maxpool_;  ///< bn1_ may be null
  std::array<std::shared_ptr<Sequential>, 4> layers_;
  ModulePtr global_pool_, fc_;
};

}  // namespace gw
