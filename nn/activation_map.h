// Where in an image a model sees a class: class activation maps and Grad-CAM.
#pragma once

#include <string>
#include <vector>

#include "nn/linear.h"
#include "nn/module.h"

namespace gw {

/// What a map is made of, for some images.
struct ActivationMap {
  Tensor map;         ///< f32 [N, h, w] on the CPU: how much each place speaks for the class, in no particular unit
  Tensor logits;      ///< f32 [N, classes] on the CPU
  std::string layer;  ///< name of the module whose output (or, by CAM, whose input) was weighed
};

/// The end of a model that has class activation maps: a global average pool, and the one linear layer after it.
struct CamEnd {
  std::string name;  ///< of the pool
  Module* pool = nullptr;
  Linear* classifier = nullptr;

  explicit operator bool() const { return pool != nullptr; }
};

/// Finds it: a GlobalAvgPool or AdaptiveAvgPool2d(1) with exactly one Linear, and no convolution, after it in the order
/// of the modules. False if the model does not end so.
CamEnd find_cam_end(Module& model);

/// Class activation maps (Zhou et al., "Learning deep features for discriminative localization", 2015): the features
/// that the pool of `end` sees, weighed by the classifier's weights of the class,
/// map[n, i, j] = sum over k of weight[classes[n], k] features[n, k, i, j].
/// Without classes it takes each image's largest logit. Puts the model in eval mode. ShapeError unless there is a class
/// for each image x [N, C, H, W], and for one that the model does not have.
ActivationMap class_activation_map(Module& model, const CamEnd& end, const Tensor& x,
                                   std::vector<int64_t> classes = {});

/// The last module to return a map of more than one place for such images. ConfigError if there is none.
std::string last_map_layer(Module& model, const Tensor& x);

/// Grad-CAM (Selvaraju et al., 2016), for any model: the output of `layer`, each channel weighed by the mean gradient
/// of the class's logit, what speaks against the class left out, map[n, i, j] = max(0, sum over k of mean over
/// positions(d logit / d y[n, k]) y[n, k, i, j]). Classes, mode and errors as above; ConfigError, naming those there
/// are, for an unknown layer, and for one whose output is not [N, C, h, w]. Leaves no gradients behind.
ActivationMap grad_cam(Module& model, const std::string& layer, const Tensor& x, std::vector<int64_t> classes = {});

}  // namespace gw
