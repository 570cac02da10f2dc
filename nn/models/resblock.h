// The building blocks of the lesson's models: conv() and ResBlock.
#pragma once

#include "nn/conv2d.h"
#include "nn/models/model_options.h"
#include "nn/pool.h"
#include "nn/sequential.h"

namespace gw {

/// What conv() and ResBlock are made of.
struct BlockOptions {
  int64_t ks = 3;  ///< kernel size
  int64_t stride = 1;
  ActivationFactory act = make_general_relu();  ///< null: none
  NormFactory norm = make_batch_norm2d();       ///< null: none
  bool zero_init = false;       ///< ResBlock: its last norm's weight starts at zero, so that it begins as the identity
  bool squeeze_excite = false;  ///< ResBlock: its convolutions end in a SqueezeExcite
  bool pre_activation = false;  ///< ResBlock: see there
};

/// A convolution with padding ks / 2 and a bias, then the norm, then the activation: ni channels -> nf channels.
Sequential conv(int64_t ni, int64_t nf, BlockOptions o = {.stride = 2});
/// The same layers in the order norm, activation, convolution.
Sequential pre_activation_conv(int64_t ni, int64_t nf, BlockOptions o = {.stride = 2});

/// act(convs(x) + idconv(pool(x))): two convolutions and a path around them (He et al., "Deep residual learning for
/// image recognition", 2015). The second convolution has the stride. On the path around, an average pool halves the
/// grid if the stride is 2, and a 1x1 convolution changes the channels if they change.
///
/// With pre_activation, norm and activation come before each convolution and none after the addition, so that the path
/// around stays clear through all blocks (He et al., "Identity mappings in deep residual networks", 2016).
///
/// ConfigError for other strides than 1, 2, and for zero_init without a norm after the last convolution.
///
/// The last norm, the addition and the activation run as one fused operation, unless a hook watches one of them. So do,
/// on the way back, the pool and the addition of the two gradients that meet at x.
class ResBlock : public Module {
 public:
  ResBlock(int64_t ni, int64_t nf, BlockOptions o = {});
  Tensor forward(const Tensor& input) override;

 private:
  /// What goes into the convolutions, and into the rest of the way around them.
  ForkedPool fork(const Tensor& x);
  /// The way around the convolutions, but for its pool.
  Tensor shortcut(const Tensor& pooled) { return idconv_ ? (*idconv_)(pooled) : pooled; }
  /// The norm at the very end of convs, which may run fused with what follows; null if there is none or if a hook
  /// watches the layers around it.
  Module* last_norm() const;

  std::shared_ptr<Sequential> convs_, second_;  ///< second_ is the second of convs_
  std::shared_ptr<Sequential> idconv_;          ///< null if ni == nf
  std::shared_ptr<AvgPool2d> pool_;             ///< null for stride 1
  ModulePtr act_;                               ///< may be null
  Module* norm_ = nullptr;                      ///< the norm after the second convolution, if there is one
};

/// For Module::apply: draws the weights of convolutions from the normal distribution that keeps the variance through
/// leaky ReLUs of slope `leaky` (Kaiming). Everything else stays as its layer's constructor left it.
std::function<void(Module&)> init_weights(double leaky = 0);

}  // namespace gw
