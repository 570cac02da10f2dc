// The networks of the course's lesson on CIFAR-10, each a step up the ladder: [N, C, H, W] -> [N, classes]. Unless the
// options say otherwise their activations are ReLU and their norms batch norm. All throw ConfigError for the options of
// residual blocks, which they do not have.
#pragma once

#include "nn/conv2d.h"
#include "nn/models/model_options.h"
#include "nn/sequential.h"

namespace gw {

/// A convolution, ReLU, and batch norm written out in Tensor operations, as the lesson does it: normalised by the means
/// and deviations of the batch's channels, then scaled by m and shifted by a. In evaluation those of the last batch of
/// training serve, as there are no running averages.
struct BnLayer : Module {
  BnLayer(int64_t ni, int64_t nf, int64_t stride = 2, int64_t kernel_size = 3);
  Tensor forward(const Tensor& x) override;

  std::shared_ptr<Conv2d> conv;
  Tensor a, m;         ///< [1, nf, 1, 1]
  Tensor means, stds;  ///< [1, nf, 1, 1], buffers
};

/// x + layer(x): `layer` keeps the shape.
struct ResnetLayer : Module {
  explicit ResnetLayer(ModulePtr layer);
  Tensor forward(const Tensor& x) override;

 private:
  ModulePtr layer_;
};

/// "cifar-simple": one hidden layer of 40.
Sequential cifar_simple(const ModelOptions& o = {});
/// "cifar-conv": convolutions 20-40-80 of stride 2, the largest value of each channel, a linear layer.
Sequential cifar_conv(const ModelOptions& o = {});
/// "cifar-bn-by-hand": a convolution to 10 channels, then a BnLayer for each of 20-40-80-160.
Sequential cifar_bn_by_hand(const ModelOptions& o = {});
/// "cifar-bn": the same with our norm, between convolution and activation, where both run as one.
Sequential cifar_bn(const ModelOptions& o = {});
/// "cifar-resnet": to each of those layers come two residual ones of stride 1.
Sequential cifar_resnet(const ModelOptions& o = {});
/// "cifar-resnet2": wider, 16-32-64-128-256, a first kernel of 7, and dropout before the classifier.
Sequential cifar_resnet2(const ModelOptions& o = {});

}  // namespace gw
