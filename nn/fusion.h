// Which layers may run as part of a fused operation.
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

}  // namespace gw
