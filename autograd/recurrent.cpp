#include "autograd/recurrent.h"

#include <fmt/format.h>

#include <array>

#include "autograd/dropout.h"
#include "autograd/index.h"
#include "autograd/record_outputs.h"
#include "kernels/elementwise.h"
#include "kernels/index.h"
#include "kernels/matmul.h"
#include "kernels/reduce.h"
#include "tensor/views.h"

namespace gw {
namespace {

Tensor rows_of(const Tensor& t, int64_t first, int64_t end) { return views::slice(t, 0, first, end, 1); }

/// [T, B, n] -> [T * B, n].
Tensor as_matrix(const Tensor& t) { return t.reshape({t.size(0) * t.size(1), t.size(2)}); }

/// The gates of a GRU, along dimension 0, from the order of the weights (r, z, n) to that of the kernels (n, r, z), and
/// back. Those of other cells are in one order everywhere.
Tensor in_kernel_order(RecurrentCell cell, const Tensor& t) {
  if (cell != RecurrentCell::gru) return t;
  const int64_t gates = t.size(0), last = gates / 3 * 2;
  return kernels::cat({rows_of(t, last, gates), rows_of(t, 0, last)}, 0);
}
Tensor in_weight_order(RecurrentCell cell, const Tensor& t) {
  if (cell != RecurrentCell::gru) return t;
  const int64_t gates = t.size(0), first = gates / 3;
  return kernels::cat({rows_of(t, first, gates), rows_of(t, 0, first)}, 0);
}

void check_input(const Tensor& x, const RecurrentWeights& w) {
  if (x.dim() != 3 || x.size(0) == 0)
    throw ShapeError(
        fmt::format("recurrent layer: expected input [steps, batch, features] of at least one step, got {}",
                    x.shape().to_string()));
  if (w.weight_ih.dim() != 2 || w.weight_ih.size(1) != x.size(2))
    throw ShapeError(fmt::format("recurrent layer: input {} and weight_ih {}: expected [gates * hidden, {}]",
                                 x.shape().to_string(), w.weight_ih.shape().to_string(), x.size(2)));
}

/// What the backward pass reads. States keep their history-free tensors behind SavedTensor, as all ops do.
struct SavedLayer {
  SavedTensor x, h, c, gates, weight_ih, weight_hh;
  bool from_zero;

  kernels::RecurrentStates states() const { return {h, c, gates, from_zero}; }
};

enum Input { kX, kH0, kC0, kWeightIh, kWeightHh, kBiasIh, kBiasHh, kInputs };

Grads layer_backward(RecurrentCell cell, const SavedLayer& saved, const std::array<bool, kInputs>& needed,
                     const Grads& gradients) {
  const Tensor &x = saved.x, &h = saved.h, &weight_ih = saved.weight_ih;
  const kernels::RecurrentGrads found =
      kernels::recurrent_backward(cell, saved.states(), saved.weight_hh, gradients[0], gradients[1], gradients[2],
                                  /*wants_start=*/needed[kH0] || needed[kC0]);
  const Tensor gates = as_matrix(found.gates);
  const Tensor of_input = kernels::input_gates(cell, gates), of_hidden = kernels::hidden_gates(cell, gates);
  Grads grads(kInputs);
  if (needed[kX])
    grads[kX] = kernels::matmul(of_input, kernels::cast(in_kernel_order(cell, weight_ih), x.dtype()), x.dtype())
                    .reshape(x.shape());
  if (needed[kH0]) grads[kH0] = found.h0;
  if (needed[kC0]) grads[kC0] = found.c0;
  if (needed[kWeightIh])
    grads[kWeightIh] =
        in_weight_order(cell, kernels::matmul(views::transpose(of_input, 0, 1), as_matrix(x), DType::f32));
  if (needed[kWeightHh]) {
    const int64_t first = saved.from_zero ? 1 : 0;  // a state of zeros adds nothing
    const Tensor before = as_matrix(rows_of(h, first, h.size(0) - 1));
    const Tensor after = rows_of(of_hidden, first * h.size(1), of_hidden.size(0));
    grads[kWeightHh] = kernels::matmul(views::transpose(after, 0, 1), before, DType::f32);
  }
  if (needed[kBiasIh] || needed[kBiasHh]) {
    const Tensor sums = kernels::sum(kernels::cast(gates, DType::f32), {0});
    if (needed[kBiasIh]) grads[kBiasIh] = in_weight_order(cell, kernels::input_gates(cell, sums));
    if (needed[kBiasHh]) grads[kBiasHh] = kernels::hidden_gates(cell, sums);
  }
  return grads;
}

Tensor row_or_none(const Tensor& states, int64_t index) {
  return states.defined() ? states.select(0, index) : Tensor{};
}

/// The states of all layers as one tensor.
Tensor stacked(const std::vector<Tensor>& states) {
  return states.size() == 1 ? states.front().unsqueeze(0) : stack(states, 0);
}

void check_state(const char* name, const Tensor& state, int64_t layers) {
  if (state.defined() && (state.dim() != 3 || state.size(0) != layers))
    throw ShapeError(fmt::format("recurrent layer: expected a state {} of shape [{}, batch, hidden], got {}", name,
                                 layers, state.shape().to_string()));
}

}  // namespace

RecurrentResult recurrent_layer(RecurrentCell cell, const Tensor& x, const RecurrentState& state,
                                const RecurrentWeights& w) {
  check_input(x, w);
  const Tensor input = kernels::linear(x, w.weight_ih, w.bias_ih);
  const kernels::RecurrentStates states =
      kernels::recurrent_forward(cell, input, w.weight_hh, w.bias_hh, state.h, state.c);
  const int64_t steps = x.size(0);
  const Tensor last_c = states.c.defined() ? views::select(states.c, 0, steps) : Tensor{};
  const std::array<Tensor, kInputs> inputs{x, state.h, state.c, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh};
  std::array<bool, kInputs> needed;
  for (size_t i = 0; i < kInputs; ++i) needed[i] = inputs[i].defined() && inputs[i].requires_grad();
  const SavedLayer kept{saved(x),           saved(states.h),    saved(states.c), saved(states.gates),
                        saved(w.weight_ih), saved(w.weight_hh), states.from_zero};
  const auto outputs = record_outputs(
      "recurrent_layer", {rows_of(states.h, 1, steps + 1), views::select(states.h, 0, steps), last_c}, inputs,
      [cell, kept, needed](const Grads& gradients) { return layer_backward(cell, kept, needed, gradients); });
  return {outputs[0], {outputs[1], outputs[2]}};
}

RecurrentState recurrent_step(RecurrentCell cell, const Tensor& x, const RecurrentState& state,
                              const RecurrentWeights& weights) {
  if (x.dim() != 2)
    throw ShapeError(fmt::format("recurrent cell: expected input [batch, features], got {}", x.shape().to_string()));
  return recurrent_layer(cell, x.unsqueeze(0), state, weights).state;
}

RecurrentResult recurrent(RecurrentCell cell, const Tensor& x, const RecurrentState& state,
                          std::span<const Tensor> weights, const RecurrentOptions& o) {
  const int64_t per_layer = o.bias ? 4 : 2, layers = o.num_layers * o.directions();
  if (static_cast<int64_t>(weights.size()) != layers * per_layer)
    throw ConfigError(fmt::format("recurrent layer: expected {} weights for {} layers with {} each, got {}",
                                  layers * per_layer, layers, per_layer, weights.size()));
  check_state("h", state.h, layers);
  check_state("c", state.c, layers);
  Tensor y = o.batch_first ? x.transpose(0, 1) : x;
  std::vector<Tensor> last_h, last_c;
  for (int64_t layer = 0; layer < o.num_layers; ++layer) {
    if (layer > 0) y = dropout(y, o.dropout, o.training);
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < o.directions(); ++direction) {
      const int64_t index = layer * o.directions() + direction;
      const Tensor* w = &weights[static_cast<size_t>(index * per_layer)];
      const RecurrentWeights own{w[0], w[1], o.bias ? w[2] : Tensor{}, o.bias ? w[3] : Tensor{}};
      const Tensor in = direction == 1 ? flip(y, {0}) : y;
      RecurrentResult result =
          recurrent_layer(cell, in, {row_or_none(state.h, index), row_or_none(state.c, index)}, own);
      outputs.push_back(direction == 1 ? flip(result.output, {0}) : result.output);
      last_h.push_back(result.state.h);
      last_c.push_back(result.state.c);
    }
    y = outputs.size() == 1 ? outputs.front() : cat(outputs, 2);
  }
  return {o.batch_first ? y.transpose(0, 1) : y,
          {stacked(last_h), cell == RecurrentCell::lstm ? stacked(last_c) : Tensor{}}};
}

}  // namespace gw
