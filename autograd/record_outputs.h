// Recording an op that has several outputs.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "autograd/autograd.h"

namespace gw {

/// As record(), for an op with several outputs (undefined ones are passed over): `backward` is called once, with the
/// gradients of all outputs in their order, undefined where none arrived. Returns the outputs.
std::vector<Tensor> record_outputs(const char* name, std::vector<Tensor> outputs, std::span<const Tensor> inputs,
                                   std::function<Grads(const Grads& gradients)> backward);

}  // namespace gw
