#include "nn/lsuv.h"

#include <cmath>

#include "autograd/autograd.h"
#include "nn/activation.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/sequential.h"
#include "tensor/random.h"

namespace gw {
namespace {

/// A layer, and the module whose output counts as its own.
struct Unit {
  std::string name;
  Tensor weight, bias;
  Module* output;
};

bool subtracts(const Module* module) {
  const auto* relu = dynamic_cast<const GeneralRelu*>(module);
  return relu && relu->options.sub > 0;
}

/// The activation right behind `layer`, wherever it stands in a Sequential; else the layer itself.
Module* output_of(Module& model, Module* layer) {
  for (Module* module : model.modules()) {
    const auto* sequential = dynamic_cast<const Sequential*>(module);
    for (size_t i = 0; sequential && i + 1 < sequential->size(); ++i)
      if (&(*sequential)[i] == layer && subtracts(&(*sequential)[i + 1])) return &(*sequential)[i + 1];
  }
  return layer;
}

std::vector<Unit> units_of(Module& model) {
  std::vector<Unit> units;
  for (const auto& [name, module] : model.named_modules()) {
    if (const auto* conv = dynamic_cast<const Conv2d*>(module))
      units.push_back({name, conv->weight, conv->bias, output_of(model, module)});
    else if (const auto* linear = dynamic_cast<const Linear*>(module))
      units.push_back({name, linear->weight, linear->bias, output_of(model, module)});
  }
  return units;
}

/// Thrown by the hook that has seen what it waited for: the rest of the forward pass is not needed.
struct Measured {
  double mean, std;
};

Measured measure(Module& model, Module& output, const Tensor& x) {
  const HookHandle hook = output.register_forward_hook([](Module&, const Tensor&, Tensor& y) {
    const Tensor wide = y.to(DType::f32);
    throw Measured{wide.mean().item(), wide.std({}, 0).item()};
  });
  try {
    model(x);
  } catch (const Measured& found) {
    return found;
  }
  throw ConfigError("lsuv: expected a model that uses all of its layers");
}

LsuvLayer fit(Module& model, Unit& unit, const Tensor& x, const LsuvOptions& o) {
  LsuvLayer out{unit.name, 0, 0, 0, unit.bias.defined()};
  for (;; ++out.steps) {
    const Measured found = measure(model, *unit.output, x);
    out.mean = found.mean;
    out.std = found.std;
    const bool mean_fits = !out.has_bias || std::abs(found.mean) < o.tolerance;
    const bool std_fits = std::abs(found.std - 1) < o.tolerance, scalable = std::isfinite(found.std) && found.std > 0;
    if ((mean_fits && std_fits) || !scalable || out.steps == o.max_steps) return out;
    if (!std_fits) unit.weight.mul_(1 / found.std);
    if (!mean_fits) unit.bias.add_(-found.mean);
  }
}

}  // namespace

std::vector<LsuvLayer> lsuv(Module& model, const Tensor& x, const LsuvOptions& o) {
  const NoGrad no_grad;
  const PhiloxState generator = default_generator().state();
  const std::vector<Tensor> buffers = model.buffers();
  std::vector<Tensor> kept;
  for (const Tensor& b : buffers) kept.push_back(b.clone());

  std::vector<LsuvLayer> layers;
  for (Unit& unit : units_of(model)) layers.push_back(fit(model, unit, x, o));

  for (size_t i = 0; i < kept.size(); ++i) Tensor(buffers[i]).copy_(kept[i]);
  default_generator().set_state(generator);
  return layers;
}

}  // namespace gw
