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
  for (size_t i = 0; i < size(); ++i) {
    Module& layer = (*this)[i];
    BatchNorm* norm = fusable<BatchNorm>(layer);
    GeneralRelu* act = norm && i + 1 < size() ? fusable<GeneralRelu>((*this)[i + 1]) : nullptr;
    if (act) {
      y = norm->forward_fused(y, act->options);
      ++i;
    } else {
      y = layer(y);
    }
  }
  return y;
}

}  // namespace gw
