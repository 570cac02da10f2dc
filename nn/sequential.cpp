#include "nn/sequential.h"

#include <fmt/format.h>

#include "nn/fusion.h"

namespace gw {

void Sequential::push_back(ModulePtr layer) {
  if (!layer) throw ConfigError("Sequential: expected a layer, got a null pointer");
  register_module(std::to_string(size()), std::move(layer));
}

Module& Sequential::operator[](size_t index) const {
  if (index >= size())
    throw ShapeError(fmt::format("Sequential: index {} is out of range for {} layers", index, size()));
  return *named_children()[index].second;
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  BatchMoments moments;  // of y
  for (size_t i = 0; i < size(); ++i) {
    Module& layer = (*this)[i];
    Module* next = i + 1 < size() ? &(*this)[i + 1] : nullptr;
    const BatchMoments of_input = std::exchange(moments, {});
    if (BatchNorm* norm = fusable_norm(layer)) {
      const GeneralRelu* act = next ? fusable_act(*next) : nullptr;
      y = norm->forward_fused(y, act ? std::optional(act->options) : std::nullopt, {}, of_input);
      if (act) ++i;
    } else {
      y = forward_before_norm(layer, next, y, moments);
    }
  }
  return y;
}

}  // namespace gw
