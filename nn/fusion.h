// Layers that run as one fused operation where they follow each other.
#pragma once

#include "nn/activation.h"
#include "nn/batchnorm.h"

namespace gw {

/// The module as an M, if it is one and nobody watches it through hooks; else null. A fused operation does not call the
/// modules that it replaces, so their hooks would see nothing.
template <class M>
M* fusable(Module& module) {
  return module.has_hooks() ? nullptr : dynamic_cast<M*>(&module);
}

/// act(norm(x) + residual), where norm, residual and act may each be left out (null, undefined): in as few passes over
/// memory as the kinds of the layers and the hooks on them allow.
Tensor norm_add_act(const Tensor& x, Module* norm, const Tensor& residual, Module* act);

}  // namespace gw
