#include "nn/recurrent.h"

#include <fmt/format.h>

#include <cmath>

#include "nn/init.h"
#include "tensor/creation.h"

namespace gw {
namespace {

void check_sizes(int64_t input_size, int64_t hidden_size, const RecurrentLayerOptions& o) {
  if (input_size < 1 || hidden_size < 1 || o.num_layers < 1)
    throw ConfigError(
        fmt::format("recurrent layer: expected an input size, a hidden size and a number of layers of at least 1, got "
                    "{}, {} and {}",
                    input_size, hidden_size, o.num_layers));
  if (!(o.dropout >= 0 && o.dropout <= 1))
    throw ConfigError(fmt::format("recurrent layer: expected a dropout in [0, 1], got {:g}", o.dropout));
}

Tensor uniform(const Shape& shape, int64_t hidden_size) {
  const Tensor t = empty(shape);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  init::uniform_(t, -bound, bound);
  return t;
}

}  // namespace

RecurrentLayers::RecurrentLayers(RecurrentCell cell, int64_t input_size, int64_t hidden_size,
                                 const RecurrentLayerOptions& o)
    : cell_(cell), input_size_(input_size), hidden_size_(hidden_size), options_(o) {
  check_sizes(input_size, hidden_size, o);
  const int64_t gates = gate_count(cell) * hidden_size, directions = o.bidirectional ? 2 : 1;
  const auto add = [&](const std::string& name, const Shape& shape) {
    weights_.push_back(register_parameter(name, uniform(shape, hidden_size)));
  };
  for (int64_t layer = 0; layer < o.num_layers; ++layer)
    for (int64_t direction = 0; direction < directions; ++direction) {
      const std::string suffix = fmt::format("_l{}{}", layer, direction == 1 ? "_reverse" : "");
      add("weight_ih" + suffix, {gates, layer == 0 ? input_size : directions * hidden_size});
      add("weight_hh" + suffix, {gates, hidden_size});
      if (!o.bias) continue;
      add("bias_ih" + suffix, {gates});
      add("bias_hh" + suffix, {gates});
    }
}

RecurrentResult RecurrentLayers::forward(const Tensor& x, const RecurrentState& state) {
  return recurrent(cell_, x, state, weights_,
                   {.bias = options_.bias,
                    .num_layers = options_.num_layers,
                    .dropout = options_.dropout,
                    .training = is_training(),
                    .bidirectional = options_.bidirectional,
                    .batch_first = options_.batch_first});
}

std::string RecurrentLayers::extra_repr() const {
  std::string text = fmt::format("{}, {}", input_size_, hidden_size_);
  if (options_.num_layers != 1) text += fmt::format(", num_layers={}", options_.num_layers);
  if (!options_.bias) text += ", bias=False";
  if (options_.batch_first) text += ", batch_first=True";
  if (options_.dropout != 0) text += fmt::format(", dropout={:g}", options_.dropout);
  if (options_.bidirectional) text += ", bidirectional=True";
  return text;
}

RecurrentCellModule::RecurrentCellModule(RecurrentCell cell, int64_t input_size, int64_t hidden_size, bool bias)
    : cell_(cell) {
  check_sizes(input_size, hidden_size, {});
  const int64_t gates = gate_count(cell) * hidden_size;
  weights_.weight_ih = register_parameter("weight_ih", uniform({gates, input_size}, hidden_size));
  weights_.weight_hh = register_parameter("weight_hh", uniform({gates, hidden_size}, hidden_size));
  if (!bias) return;
  weights_.bias_ih = register_parameter("bias_ih", uniform({gates}, hidden_size));
  weights_.bias_hh = register_parameter("bias_hh", uniform({gates}, hidden_size));
}

std::string RecurrentCellModule::extra_repr() const {
  std::string text = fmt::format("{}, {}", weights_.weight_ih.size(1), weights_.weight_ih.size(0) / gate_count(cell_));
  if (!weights_.bias_ih.defined()) text += ", bias=False";
  return text;
}

}  // namespace gw
