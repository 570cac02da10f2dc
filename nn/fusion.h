// Layers that run as one fused operation where they follow each other.
#pragma once

#include "nn/activation.h"
#include "nn/batchnorm.h"
#include "nn/conv2d.h"

namespace gw {

/// The module as one of ours that may run fused with others, else null. A fused operation does not call the modules
/// that it replaces: hooks on them would see nothing, and a class derived from ours may compute something else.
Conv2d* fusable_conv(Module& module);
BatchNorm* fusable_norm(Module& module);
GeneralRelu* fusable_act(Module& module);

/// layer(x). Where a convolution meets a batch norm that will want the moments of its result, `moments` is set to them
/// if the convolution finds them on its way.
Tensor forward_before_norm(Module& layer, Module* norm, const Tensor& x, BatchMoments& moments);

/// act(norm(x) + residual), where norm, residual and act may each be left out (null, undefined): in as few passes over
/// memory as the kinds of the layers and the hooks on them allow. `moments` are those of x, or undefined.
Tensor norm_add_act(const Tensor& x, Module* norm, const Tensor& residual, Module* act,
                    const BatchMoments& moments = {});

}  // namespace gw
