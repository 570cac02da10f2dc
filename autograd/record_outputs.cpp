#include "autograd/record_outputs.h"

#include "tensor/creation.h"

namespace gw {

// The op itself is a node whose own gradient means nothing. Each output is a node after it, which puts its gradient
// aside and wakes the op; being newer, all of them run before the op does.
std::vector<Tensor> record_outputs(const char* name, std::vector<Tensor> outputs, std::span<const Tensor> inputs,
                                   std::function<Grads(const Grads& gradients)> backward) {
  const auto arrived = std::make_shared<Grads>(outputs.size());
  const Tensor op = record(name, empty({0}), inputs, [arrived, backward = std::move(backward)](const Tensor&) {
    return backward(std::exchange(*arrived, Grads(arrived->size())));
  });
  if (!op.requires_grad()) return outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined()) continue;
    outputs[i] = record(name, outputs[i], {op}, [arrived, i](const Tensor& dy) {
      (*arrived)[i] = dy;
      return Grads{empty({0})};
    });
  }
  return outputs;
}

}  // namespace gw
