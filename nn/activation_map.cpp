#include "nn/activation_map.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "autograd/autograd.h"
#include "autograd/index.h"
#include "nn/conv2d.h"
#include "nn/module_filter.h"
#include "nn/pool.h"
#include "tensor/creation.h"

namespace gw {
namespace {

bool averages_globally(const Module& module) {
  if (dynamic_cast<const GlobalAvgPool*>(&module)) return true;
  const auto* pool = dynamic_cast<const AdaptiveAvgPool2d*>(&module);
  return pool && pool->output_size == Size2(1);
}

Tensor on_cpu(const Tensor& t) { return t.detach().to(DType::f32).to(kCpu).contiguous(); }

/// The classes to explain, i64 [N] on the CPU: those given, or those with the largest logits.
Tensor chosen(const std::vector<int64_t>& classes, const Tensor& logits) {
  if (logits.dim() != 2)
    throw ShapeError(fmt::format("activation map: expected logits [N, classes], got {}", logits.shape().to_string()));
  if (classes.empty()) return logits.argmax(1);
  const int64_t images = logits.size(0);
  if (static_cast<int64_t>(classes.size()) != images)
    throw ShapeError(
        fmt::format("activation map: expected a class for each of {} images, got {}", images, classes.size()));
  for (const int64_t c : classes)
    if (c < 0 || c >= logits.size(1))
      throw ShapeError(fmt::format("activation map: class {} is out of range for {} classes", c, logits.size(1)));
  return from_values<int64_t>(classes, {images}, {.dtype = DType::i64});
}

/// sum over k of weights[n, k] features[n, k, i, j].
Tensor weighed(const Tensor& features, const Tensor& weights) {
  return (features * weights.reshape({weights.size(0), weights.size(1), 1, 1})).sum({1}).contiguous();
}

Module& find_module(Module& model, const std::string& layer) {
  std::vector<std::string> names;
  for (const auto& [name, module] : model.named_modules()) {
    if (name == layer && !name.empty()) return *module;
    if (!name.empty()) names.push_back(name);
  }
  throw ConfigError(fmt::format("grad_cam: there is no layer {}; there are {}", layer, fmt::join(names, ", ")));
}

}  // namespace

CamEnd find_cam_end(Module& model) {
  CamEnd end;
  for (const auto& [name, module] : model.named_modules()) {
    if (averages_globally(*module)) {
      end = {name, module, nullptr};
    } else if (dynamic_cast<Conv2d*>(module)) {
      end = {};
    } else if (auto* linear = dynamic_cast<Linear*>(module); linear && end.pool) {
      if (end.classifier) return {};
      end.classifier = linear;
    }
  }
  return end.classifier ? end : CamEnd{};
}

ActivationMap class_activation_map(Module& model, const CamEnd& end, const Tensor& x, std::vector<int64_t> classes) {
  const NoGrad no_grad;
  model.eval();
  Tensor features;
  const HookHandle hook =
      end.pool->register_forward_hook([&](Module&, const Tensor& input, Tensor&) { features = on_cpu(input); });
  const Tensor logits = on_cpu(model(x));
  const Tensor weights = index_select(on_cpu(end.classifier->weight), 0, chosen(classes, logits));
  return {weighed(features, weights), logits, end.name};
}

std::string last_map_layer(Module& model, const Tensor& x) {
  const NoGrad no_grad;
  model.eval();
  std::vector<NamedModule> layers;
  for (const auto& [name, module] : model.named_modules())
    if (!name.empty()) layers.push_back({name, module});
  std::string last;
  const Hooks hooks(layers, [&](size_t i, Module&, const Tensor&, Tensor& y) {
    if (y.dim() == 4 && y.size(2) * y.size(3) > 1) last = layers[i].name;
  });
  model(x);
  if (last.empty())
    throw ConfigError(fmt::format("grad_cam: no layer of this {} returns a map of its image", model.type_name()));
  return last;
}

ActivationMap grad_cam(Module& model, const std::string& layer, const Tensor& x, std::vector<int64_t> classes) {
  model.eval();
  Module& watched = find_module(model, layer);
  Tensor y, gradient;
  const HookHandle forward =
      watched.register_forward_hook([&](Module&, const Tensor&, Tensor& output) { y = on_cpu(output); });
  const HookHandle backward =
      watched.register_backward_hook([&](Module&, const Tensor& dy, Tensor&) { gradient = on_cpu(dy); });
  const Tensor prediction = model(x), logits = on_cpu(prediction);
  if (!y.defined() || y.dim() != 4)
    throw ConfigError(fmt::format("grad_cam: expected a layer that returns [N, C, h, w], but {} returns {}", layer,
                                  y.defined() ? y.shape().to_string() : "nothing"));
  const Tensor one = one_hot(chosen(classes, logits), logits.size(1)).to(prediction.dtype());
  prediction.backward(one.to(prediction.device()));
  model.zero_grad();
  return {weighed(y, gradient.mean({2, 3})).relu(), logits, layer};
}

}  // namespace gw
