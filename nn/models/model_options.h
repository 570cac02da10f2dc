// What can be chosen of a model: the layers between its convolutions, by factory or by name, and its blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nn/activation.h"
#include "nn/batchnorm.h"
#include "nn/groupnorm.h"
#include "nn/running_batchnorm.h"

namespace gw {

/// Makes an activation layer.
using ActivationFactory = std::function<ModulePtr()>;
/// Makes a normalisation layer for that many channels.
using NormFactory = std::function<ModulePtr(int64_t channels)>;

/// Makes GeneralRelu layers, with the lesson's constants.
ActivationFactory make_general_relu(GeneralReluOptions o = {.leak = 0.1f, .sub = 0.4f});
/// Makes ReLU layers.
ActivationFactory make_relu();
/// Makes BatchNorm2d layers.
NormFactory make_batch_norm2d(BatchNormLayerOptions o = {});
/// Makes BatchNorm1d layers.
NormFactory make_batch_norm1d(BatchNormLayerOptions o = {});
/// Makes GroupNorm layers of as many groups, up to `most`, as divide the channels into at least four each (one group
/// where there are fewer).
NormFactory make_group_norm(int64_t most = 32, GroupNormLayerOptions o = {});
/// Makes InstanceNorm2d layers with weights.
NormFactory make_instance_norm2d();
/// Makes the lesson's layer norms, over channels and positions: GroupNorm layers of one group.
NormFactory make_layer_norm2d();
/// Makes RunningBatchNorm layers.
NormFactory make_running_batch_norm(RunningBatchNormOptions o = {});

/// "gelu", "general-relu" (the lesson's), "leaky-relu" (slope 0.1), "mish", "relu", "silu".
std::vector<std::string> activation_names();
/// The activation of that name. "general-relu:0.2:0.5" has that leak and sub, "leaky-relu:0.05" that slope.
/// ConfigError, naming them all, for another name, and for numbers that cannot be read or have no place.
ActivationFactory activation_named(const std::string& name);
/// "batch", "group", "instance", "layer", "none", "running".
std::vector<std::string> norm_names();
/// The norm of that name, null for "none"; ConfigError, naming them all, for another name.
NormFactory norm_named(const std::string& name);
/// What goes with it after the lesson's classifiers, on [N, classes]: null where it would say nothing there.
NormFactory classifier_norm_named(const std::string& name);

/// The slope below zero of a (leaky) ReLU, which the variance of the weights before it makes up for; 0 for others.
double leak_of(const ActivationFactory& act);

/// Sets the weight of the last norm of a residual block to zero, so that the block begins as its shortcut. ConfigError
/// unless that norm has a weight.
void zero_init_norm(Module* norm);

struct ModelOptions {
  int64_t in_channels = 1;
  int64_t classes = 10;
  int64_t image_height = 28, image_width = 28;  ///< for cifar-simple, whose first layer sees all pixels at once
  double width = 1;                             ///< all channels within the model are multiplied by this
  double drop = 0.1;                            ///< dropout probability of resnet-drop and cifar-resnet2
  ActivationFactory act = nullptr;              ///< null: the model's own
  NormFactory norm = make_batch_norm2d();       ///< null: no norms; then every convolution and classifier has a bias
  NormFactory classifier_norm =
      make_batch_norm1d();  ///< the lesson's ResNets: after the classifier, if there are norms
  /// Every residual block begins as the identity: the weight of its last norm starts at zero. If not given, so do the
  /// ResNets of ImageNet, as in timm, and not those of the lesson.
  std::optional<bool> zero_init = {};
  bool squeeze_excite = false;  ///< the lesson's ResNets: weigh the channels of every block (see SqueezeExcite)
  bool pre_activation = false;  ///< the lesson's ResNets: norm and activation before each convolution (see ResBlock)
};

/// That many channels times the options' width, to the nearest. ConfigError unless that is at least 1 and at most a
/// million.
int64_t scaled_channels(int64_t channels, const ModelOptions& o);

}  // namespace gw
